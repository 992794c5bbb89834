"""The adapter before a real Triton that serves what was compiled, or something else."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np

from contract.headers import MODEL_FINGERPRINT
from inference.golden import FILE, Golden
from inference.serving import Serving
from tests.waiting import wait_until


@contextmanager
def _adapter(triton: str, card: Path, folder: Path) -> Iterator[tuple[httpx.Client, Path]]:
    """Run an adapter on a card's folder; yield a client that it answers, and its log."""
    socket, log = folder / "adapter.sock", folder / "adapter.log"
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path.cwd()),
        "ADAPTER_SOCKET": str(socket),
        "ADAPTER_MODEL_FOLDER": str(card),
        "ADAPTER_TRITON_ADDRESS": triton,
    }
    argv = (sys.executable, "-m", "inference", "serve")
    with (
        log.open("wb") as output,
        subprocess.Popen(argv, env=environment, stderr=output) as process,
    ):
        transport = httpx.HTTPTransport(uds=str(socket))
        with httpx.Client(transport=transport, base_url="http://adapter", timeout=10) as client:
            try:
                wait_until(socket.exists, log.read_text)
                yield client, log
            finally:
                process.terminate()
                process.wait(20)


def _events(log: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_answers_name_the_model_they_come_from(compiled: Path, triton: str, tmp_path: Path) -> None:
    """On vectors, on the list of models and on errors, the same; nowhere else."""
    with _adapter(triton, compiled / "card", tmp_path) as (client, log):
        wait_until(lambda: client.get("/readyz").is_success, log.read_text)
        answers = [
            client.post("/v1/embeddings", json={"model": "tests/tiny", "input": "the fox"}),
            client.get("/v1/models"),
            client.post("/v1/embeddings", json={"model": "another", "input": "the fox"}),
        ]
        assert [answer.status_code for answer in answers] == [200, 200, 404]
        named = {answer.headers[MODEL_FINGERPRINT] for answer in answers}
        assert named == {Serving.read(compiled / "card").fingerprint}
        assert MODEL_FINGERPRINT not in client.get("/readyz").headers
        assert "adapter_model_differs 0.0" in client.get("/metrics").text
    assert "model.proven" in [event["event"] for event in _events(log)]


def test_a_model_with_other_vectors_is_never_served(
    compiled: Path, triton: str, tmp_path: Path
) -> None:
    """Its adapter is never ready, says how the vectors differ, and answers 503."""
    card = Path(shutil.copytree(compiled / "card", tmp_path / "card"))
    golden = Golden.read(card)
    assert golden is not None
    rolled = np.roll(golden.vectors, 1, axis=1)
    wrong = Golden(golden.sequences, rolled, 0.9999, golden.tokenizer, "a test")
    (card / FILE).write_bytes(wrong.dump())
    with _adapter(triton, card, tmp_path) as (client, log):
        wait_until(lambda: "model.differs" in log.read_text(), log.read_text)
        assert client.get("/readyz").status_code == 503
        body = {"model": "tests/tiny", "input": "the fox"}
        assert client.post("/v1/embeddings", json=body).status_code == 503
        assert "adapter_model_differs 1.0" in client.get("/metrics").text
        assert client.get("/healthz").status_code == 200
    (said,) = [event for event in _events(log) if event["event"] == "model.differs"]
    assert "what a test gave" in said["difference"]
