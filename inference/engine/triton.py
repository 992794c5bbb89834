"""The model as Triton's Python backend calls it: unpack, run, pack."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
import triton_python_backend_utils as triton

from inference import tensors
from inference.engine.batch import NotFinite, embed_requests
from inference.engine.load import Model, load_engine
from inference.engine.rows import Ids, Refusal, Vectors, split_rows
from inference.engine.settings import EngineSettings


class _Sender(Protocol):
    def send(self, response: object, flags: int) -> None: ...


class _Request(Protocol):
    """The part of Triton's request that is used here."""

    def get_response_sender(self) -> _Sender: ...


class TritonPythonModel:
    """One instance of the model, in a process of its own."""

    def initialize(self, arguments: Mapping[str, str]) -> None:
        """Load the engine, and run it once at either end of its sizes so that no caller waits."""
        _require_numpy_1()
        self._settings = _read_settings(arguments["model_config"])
        folder = Path(arguments["model_repository"], arguments["model_version"])
        gpu = int(arguments["model_instance_device_id"])
        self._engine = load_engine(self._settings, folder, gpu)
        _warm_up(self._engine.model, self._settings)

    def execute(self, requests: list[_Request]) -> None:
        """Answer each request by itself, through its own sender: the short do not wait."""
        accepted: list[_Request] = []
        sequences: list[list[Ids]] = []
        for request in requests:
            rows = split_rows(
                _input(request, tensors.INPUT_IDS),
                _input(request, tensors.LENGTHS),
                self._settings,
            )
            if isinstance(rows, Refusal):
                _send_error(request, rows.message, triton.TritonError.INVALID_ARG)
            else:
                accepted.append(request)
                sequences.append(rows)
        self._run(accepted, sequences)

    def _run(self, requests: list[_Request], sequences: list[list[Ids]]) -> None:
        unanswered = dict(enumerate(requests))
        try:
            for index, answer in embed_requests(
                self._engine.model.embed,
                sequences,
                self._settings.width,
                self._settings.run_tokens_max,
                self._engine.plan,
            ):
                _send(unanswered.pop(index), answer)
        except Exception as error:  # noqa: BLE001 - nobody may be left without an answer
            triton.Logger.log_error(f"the model failed: {error}")
            for request in unanswered.values():
                _send_error(request, "the model failed", triton.TritonError.INTERNAL)


def _send(request: _Request, answer: Vectors | NotFinite) -> None:
    if isinstance(answer, NotFinite):
        triton.Logger.log_error("the model's answer is not finite")
        _send_error(request, "the model's answer is not finite", triton.TritonError.INTERNAL)
        return
    response = triton.InferenceResponse([triton.Tensor(tensors.EMBEDDING, answer)])
    request.get_response_sender().send(response, flags=triton.TRITONSERVER_RESPONSE_COMPLETE_FINAL)


def _send_error(request: _Request, message: str, code: int) -> None:
    response = triton.InferenceResponse(error=triton.TritonError(message, code))
    request.get_response_sender().send(response, flags=triton.TRITONSERVER_RESPONSE_COMPLETE_FINAL)


def _input(request: _Request, name: str) -> Ids:
    array: Ids = triton.get_input_tensor_by_name(request, name).as_numpy()
    return array


def _read_settings(model_config: str) -> EngineSettings:
    parameters = json.loads(model_config)["parameters"]
    return EngineSettings.parse({name: value["string_value"] for name, value in parameters.items()})


def _warm_up(model: Model, settings: EngineSettings) -> None:
    for tokens in (1, settings.context_tokens):
        vector = model.embed([np.zeros(tokens, dtype=np.int32)])
        if vector.shape != (1, settings.width) or not np.isfinite(vector).all():
            raise RuntimeError(f"the model's answer for {tokens} tokens is no vector")


def _require_numpy_1() -> None:
    """Triton 24.10's backend reads arrays by numpy 1's layout; of numpy 2's it sees garbage."""
    if int(np.__version__.split(".")[0]) != 1:
        raise RuntimeError(
            f"numpy {np.__version__} of {np.__file__} is too new for this Triton; the first"
            " python3 on PATH decides whose packages the backend uses"
        )
