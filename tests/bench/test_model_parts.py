"""What the measurement of a model is made of."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from bench.model_checkpoint import count_bytes, write_checkpoint
from bench.model_findings import Findings, compare
from bench.model_messages import Measured, Waits
from bench.model_plot import draw_shares
from bench.model_report import write_report
from bench.model_shape import SHAPES, flop_per_token
from bench.model_timing import measure_rate, measure_waits
from bench.model_work import Work, draw_ids, plan_works
from inference.checkpoint.folder import Checkpoint
from inference.engine.rows import Ids, Vectors

_TINY = SHAPES["tiny"]


class _Model:
    """Takes a second for a batch of bulk and a tenth for one of queries; has a clock of its own."""

    def __init__(self) -> None:
        self.now = 100.0
        self.ran: list[list[int]] = []

    def clock(self) -> float:
        return self.now

    def embed(self, sequences: list[Ids]) -> Vectors:
        lengths = [len(sequence) for sequence in sequences]
        self.ran.append(lengths)
        self.now += 1.0 if max(lengths) == 50 else 0.1
        return np.zeros((len(lengths), 1), dtype=np.float32)


def _ids(length: int) -> Ids:
    return np.zeros(length, dtype=np.int32)


def test_the_full_shape_costs_what_its_authors_model_does() -> None:
    """13.9 GFLOP a token, and 294,912 for each token of its sequence."""
    full = SHAPES["8b"]
    assert flop_per_token(full, 0) == pytest.approx(13.9e9, rel=1e-3)
    assert flop_per_token(full, 512) - flop_per_token(full, 0) == 294_912 * 512


def test_a_work_costs_what_its_tokens_do() -> None:
    """Long sequences count by their tokens, not by their number."""
    costs = [flop_per_token(_TINY, length) * length for length in (10, 90)]
    assert Work("both", ((10,), (90,))).flop(_TINY) == pytest.approx(sum(costs) / 100)


def test_batches_keep_to_their_tokens() -> None:
    """And every length that the model knows is there, and mixed traffic."""
    works = plan_works(_TINY, 1024)
    assert [work.name for work in works] == ["32", "128", "512", "2048", "mixed"]
    assert all(sum(run) <= 1024 or len(run) == 1 for work in works for run in work.runs)
    assert [sum(run) for work in works[:3] for run in work.runs] == [1024] * 3


def test_sequences_end_as_the_tokenizer_ends_them() -> None:
    """Else the adapter would add a token, and Triton would run another sequence."""
    drawn = draw_ids((1, 2, 300), 50, np.random.default_rng(1))
    assert [len(ids) for ids in drawn] == [1, 2, 300]
    assert all(ids[-1] == 49 and (ids[:-1] < 49).all() for ids in drawn)


def test_a_checkpoint_is_whole_and_random(tmp_path: Path) -> None:
    """Over several shards; it holds what the shape says, and no row twice."""
    write_checkpoint(tmp_path, _TINY, shard_bytes=300_000)
    opened = Checkpoint.open(tmp_path)
    assert opened.config == _TINY
    assert len(opened.files) > 3
    tensor = opened.tensors["embed_tokens.weight"]
    bits = np.fromfile(
        tmp_path / tensor.file, "<u2", count=tensor.length // 2, offset=tensor.offset
    )
    rows = (bits.astype("<u4") << 16).view("<f4").reshape(tensor.shape)
    assert sum(tensor.length for tensor in opened.tensors.values()) == count_bytes(_TINY)
    assert rows.std() == pytest.approx(0.02, rel=0.02)
    assert len(np.unique(rows, axis=0)) == len(rows)


def test_a_query_waits_for_the_batch_that_it_meets_and_no_other() -> None:
    """Queries that have come meanwhile run together, before the next bulk."""
    model = _Model()
    waits = measure_waits(
        model.embed, [[_ids(50)]], [_ids(2), _ids(3)], [0.5, 0.75, 2.0], model.clock
    )
    assert model.ran == [[50], [2, 3], [50], [2]]
    assert waits.queries == 3
    assert waits.p50_ms == pytest.approx(350)
    assert waits.p99_ms == pytest.approx(600, rel=0.02)
    assert waits.bulk_tokens_per_second == pytest.approx(100 / 2.2)


def test_a_rate_leaves_the_first_runs_out() -> None:
    """Each batch runs once before the clock does."""
    model = _Model()
    measure_rate(model.embed, [[_ids(1)], [_ids(2)]], seconds=0)
    assert model.ran == [[1], [2], [1]]


@pytest.mark.parametrize(
    ("precision", "far", "holds"),
    [("fp32", 1e-6, True), ("fp32", 1e-4, False), ("bf16", 1e-2, True), ("bf16", 1e-1, False)],
)
def test_vectors_hold_or_do_not(precision: str, far: float, *, holds: bool) -> None:
    """In fp32 by every number, else by the angle."""
    expected = np.array([[1, 0], [0, 1]], dtype=np.float32)
    vectors = np.array([[1, far], [0, 1]], dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert compare(Measured("torch", precision, "here"), vectors, expected).holds is holds


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp8"])
def test_a_nan_never_holds(precision: str) -> None:
    """Though it is neither more nor less than any bar."""
    expected = np.eye(2, dtype=np.float32)
    vectors = np.array([[np.nan, 0], [0, 1]], dtype=np.float32)
    assert not compare(Measured("torch", precision, "here"), vectors, expected).holds


@pytest.fixture
def findings() -> Findings:
    """One engine that was timed, and one that did not run."""
    works = plan_works(_TINY, 1024)
    rates = {work.name: 0.5e12 / work.flop(_TINY) for work in works}
    return Findings(
        shape="tiny",
        config=_TINY,
        device="a GPU & more",
        libraries="torch",
        matrix={"bf16": 1e12},
        ceiling_of="this GPU",
        works=works,
        measured=(
            Measured("torch", "bf16", "in process", rates, Waits(7, 1.25, 9.5, 1234.0)),
            Measured("torch", "fp8", "in process", failure="it cannot"),
        ),
        steps={"checkpoint": "written"},
    )


def test_the_page_says_what_was_measured_and_what_was_not(findings: Findings) -> None:
    """Each figure with its share of the ceiling."""
    page = write_report(findings, "plot.svg")
    assert page.count("(50%)") == len(findings.works)
    assert "| torch bf16, in process | 7 | 1.2 | 9.5 | 1,234 |" in page
    assert "| torch fp8, in process | **did not run**: it cannot |" in page
    assert "**Not compared**" in page
    assert "matrix rate of this GPU, measured in the same run:\n1 TFLOP/s in bf16." in page
    assert "](plot.svg)" in page


def test_the_plot_is_a_picture(findings: Findings) -> None:
    """Well-formed, with a point for each work of the one engine that was timed."""
    root = ET.fromstring(draw_shares(findings))  # noqa: S314 - our own
    points = [each for each in root.iter() if each.get("r") == "3"]
    assert len(points) == len(findings.works)
    assert {point.get("cy") for point in points} == {"190"}


def test_without_a_matrix_rate_there_are_no_shares(findings: Findings) -> None:
    """But figures still."""
    page = write_report(replace(findings, matrix={}), None)
    assert "%" not in page
    assert "torch bf16, in process" in page
