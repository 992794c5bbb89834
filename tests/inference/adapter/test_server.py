"""The adapter as a process of its own."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
from tritonclient.grpc.service_pb2 import ModelInferRequest, ModelInferResponse

from inference import golden as golden_file
from inference import serving as serving_file
from inference.golden import golden_of
from inference.serving import Bucket, Serving
from inference.variant import Engine, Form, Precision, Variant
from tests import unencrypted
from tests.contract.model_folder import CARD, write_model_folder
from tests.inference.adapter.eventually import eventually
from tests.inference.adapter.triton_double import (
    WIDTH,
    Context,
    TritonDouble,
    answer_first_token,
    answer_with,
    hang,
    serve_triton_double,
)

RUN = (sys.executable, "-m", "inference", "serve")
SECRET_TEXT = "the quick brown fox"


async def start(environment: dict[str, str]) -> Process:
    """Start the adapter with these variables alone."""
    path = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path.cwd())}
    return await asyncio.create_subprocess_exec(*RUN, env=path | environment, stderr=PIPE)


@asynccontextmanager
async def running(environment: dict[str, str]) -> AsyncIterator[Process]:
    """Run the adapter until the block ends."""
    process = await start(environment)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture
def environment(tmp_path: Path, model_folder: Path, triton_double: TritonDouble) -> dict[str, str]:
    """What the adapter needs to be told."""
    return {
        "ADAPTER_SOCKET": str(tmp_path / "adapter.sock"),
        "ADAPTER_MODEL_FOLDER": str(model_folder),
        "ADAPTER_TRITON_ADDRESS": triton_double.address,
    }


@asynccontextmanager
async def connect(environment: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the adapter's socket, once it answers."""
    async with unencrypted.async_client_of(Path(environment["ADAPTER_SOCKET"])) as client:

        async def is_ready() -> bool:
            try:
                return (await client.get("/readyz")).is_success
            except httpx.TransportError:
                return False

        await eventually(is_ready)
        yield client


async def embed(client: httpx.AsyncClient) -> httpx.Response:
    """Send a request."""
    return await client.post("/v1/embeddings", json={"model": CARD.id, "input": SECRET_TEXT})


async def test_sigterm_finishes_what_is_under_way_and_exits_with_0(
    environment: dict[str, str], triton_double: TritonDouble
) -> None:
    """A deployment costs no request."""
    release = asyncio.Event()

    async def answer_late(request: ModelInferRequest, context: Context) -> ModelInferResponse:
        await release.wait()
        return await answer_first_token(request, context)

    triton_double.script = answer_late
    async with running(environment) as process, connect(environment) as client:
        request = asyncio.create_task(embed(client))
        await eventually(lambda: triton_double.running == 1)
        process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.2)
        release.set()
        assert (await request).status_code == 200
        async with asyncio.timeout(20):
            assert await process.wait() == 0


async def test_sigterm_ends_what_does_not_end_by_itself(
    environment: dict[str, str], triton_double: TritonDouble
) -> None:
    """A model that hangs does not keep the process from stopping."""
    triton_double.script = hang
    grace = {"ADAPTER_SHUTDOWN_TIMEOUT_SECONDS": "1"}
    async with running(environment | grace) as process, connect(environment) as client:
        request = asyncio.create_task(embed(client))
        await eventually(lambda: triton_double.running == 1)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            assert await process.wait() == 0
        await asyncio.wait([request])
        await eventually(lambda: triton_double.running == 0)


async def test_batches_are_made_as_the_models_folder_says(
    environment: dict[str, str], tmp_path: Path, triton_double: TritonDouble
) -> None:
    """Padded to the engine's lengths, and with no more rows than it takes of each."""
    variant = Variant(Engine.TENSORRT, Form.PADDED, Precision.BF16)
    serving = Serving(variant, (Bucket(16, 2), Bucket(32, 1)), 8, 32, "name")
    folder = write_model_folder(tmp_path)
    (folder / serving_file.FILE).write_bytes(serving.dump())
    folder_named = {"ADAPTER_MODEL_FOLDER": str(folder)}
    async with running(environment | folder_named), connect(environment) as client:
        body = {"model": CARD.id, "input": [SECRET_TEXT] * 3 + [f"{SECRET_TEXT} " * 5]}
        assert (await client.post("/v1/embeddings", json=body)).status_code == 200
    shapes = [list(request.inputs[0].shape) for request in triton_double.requests]
    assert sorted(shapes) == [[1, 16], [1, 32], [2, 16]]


async def test_another_model_on_a_triton_that_was_restarted_serves_nobody(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """Answers never carry the name of a model that did not make them; the right one may return."""
    folder = write_model_folder(tmp_path)
    vectors = np.eye(WIDTH, dtype=np.float32)[[5]]
    golden = golden_of([[101, 5, 102]], vectors, Precision.FP32, "", "a test")
    (folder / golden_file.FILE).write_bytes(golden.dump())
    double = TritonDouble()
    async with serve_triton_double(double) as address:
        pass
    port = int(address.rpartition(":")[2])
    named = {"ADAPTER_MODEL_FOLDER": str(folder), "ADAPTER_TRITON_ADDRESS": address}
    async with running(environment | named):
        async with serve_triton_double(double, port), connect(environment) as client:
            assert (await embed(client)).status_code == 200
        async with unencrypted.async_client_of(Path(environment["ADAPTER_SOCKET"])) as client:
            double.script = answer_with(np.eye(WIDTH)[[6]])
            async with serve_triton_double(double, port):
                await eventually(lambda: _exports(client, "adapter_model_differs 1.0"))
                assert (await embed(client)).status_code == 503
        double.script = answer_first_token
        async with serve_triton_double(double, port), connect(environment) as client:
            assert (await embed(client)).status_code == 200


async def _exports(client: httpx.AsyncClient, line: str) -> bool:
    return line in (await client.get("/metrics")).text.splitlines()


async def test_logs_are_json_name_the_request_and_hold_no_text(
    environment: dict[str, str], triton_double: TritonDouble
) -> None:
    """A failure can be traced, and nobody's input is written down."""
    triton_double.script = answer_with(np.zeros((1, WIDTH)))
    async with running(environment) as process, connect(environment) as client:
        client.headers["x-request-id"] = "req_5"
        assert (await embed(client)).status_code == 500
        process.send_signal(signal.SIGTERM)
        _, errors = await process.communicate()
    lines = [json.loads(line) for line in errors.decode().splitlines()]
    failed = [line for line in lines if line["event"] == "embedding.failed"]
    assert [(line["request_id"], line["process"]) for line in failed] == [("req_5", "adapter")]
    assert SECRET_TEXT not in errors.decode()


async def test_a_folder_that_cannot_be_read_is_one_sentence(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """Of whichever of its files."""
    (write_model_folder(tmp_path) / serving_file.FILE).mkdir()
    process = await start(environment | {"ADAPTER_MODEL_FOLDER": str(tmp_path)})
    async with asyncio.timeout(30):
        _, errors = await process.communicate()
    assert process.returncode == 1
    assert f"ADAPTER_MODEL_FOLDER {tmp_path}" in errors.decode().splitlines()[-1]
    assert "Traceback" not in errors.decode()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"ADAPTER_SOCKET": ""}, "ADAPTER_SOCKET"),
        ({"ADAPTER_SOCKET": "/nowhere/adapter.sock"}, "ADAPTER_SOCKET"),
        ({"ADAPTER_THREADS": "none"}, "ADAPTER_THREADS"),
        ({"ADAPTER_QUEUE_TOKENS_MAX": "-1"}, "ADAPTER_QUEUE_TOKENS_MAX"),
        ({"ADAPTER_MODEL_FOLDER": "/nowhere"}, "ADAPTER_MODEL_FOLDER"),
    ],
)
async def test_a_wrong_setting_is_one_sentence_that_names_it(
    environment: dict[str, str], wrong: dict[str, str], named: str
) -> None:
    """And the process ends with an exit code that says so."""
    process = await start(environment | wrong)
    async with asyncio.timeout(30):
        _, errors = await process.communicate()
    assert process.returncode == 1
    assert named in errors.decode().splitlines()[-1]
    assert "Traceback" not in errors.decode()


async def test_a_missing_setting_is_named() -> None:
    """All that are missing, at once."""
    process = await start({})
    async with asyncio.timeout(30):
        _, errors = await process.communicate()
    for name in ("ADAPTER_SOCKET", "ADAPTER_MODEL_FOLDER", "ADAPTER_TRITON_ADDRESS"):
        assert name in errors.decode()
