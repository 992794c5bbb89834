"""What the engine does with a batch of requests, without Triton."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.engine.batch import NotFinite, embed_requests
from inference.engine.encoder import Encoder
from inference.engine.load import load_engine
from inference.engine.plan import Plan, plan_packed_runs, plan_runs
from inference.engine.rows import Ids, Refusal, Vectors, pad_rows, split_rows
from inference.engine.settings import Device, EngineSettings
from inference.variant import Engine, Precision
from tests.inference.model.checkpoints import WIDTH, tiny_arrays, write_padded, write_tiny

_SETTINGS = EngineSettings(
    vocabulary_size=100, context_tokens=6, width=2, threads=1, run_tokens_max=8
)
_LENGTHS = st.lists(st.integers(1, 600), max_size=40)

each_plan = pytest.mark.parametrize("plan", [plan_runs, plan_packed_runs])


def _ids(*numbers: int) -> Ids:
    return np.array(numbers, dtype=np.int32)


@each_plan
@given(lengths=_LENGTHS, tokens_max=st.integers(1, 2048))
def test_every_sequence_runs_once(plan: Plan, lengths: list[int], tokens_max: int) -> None:
    """Nothing is lost or run twice, and an oversize sequence does not loop for ever."""
    runs = list(plan(lengths, tokens_max))
    assert sorted(index for run in runs for index in run) == list(range(len(lengths)))


@given(lengths=_LENGTHS, tokens_max=st.integers(1, 2048))
def test_a_run_stays_within_its_padded_tokens(lengths: list[int], tokens_max: int) -> None:
    """Memory is bounded: only a sequence that is itself too long goes beyond, alone."""
    for run in plan_runs(lengths, tokens_max):
        padded = len(run) * max(lengths[index] for index in run)
        assert padded <= tokens_max or len(run) == 1


@given(lengths=_LENGTHS, tokens_max=st.integers(1, 2048))
def test_a_packed_run_is_as_full_as_its_real_tokens_allow(
    lengths: list[int], tokens_max: int
) -> None:
    """No padding is counted: the next sequence would have been one too many."""
    runs = list(plan_packed_runs(lengths, tokens_max))
    tokens = [[lengths[index] for index in run] for run in runs]
    assert all(sum(run) <= tokens_max or len(run) == 1 for run in tokens)
    assert all(sum(run) + after[0] > tokens_max for run, after in pairwise(tokens))


@each_plan
@given(lengths=_LENGTHS, tokens_max=st.integers(1, 2048))
def test_short_sequences_run_first(plan: Plan, lengths: list[int], tokens_max: int) -> None:
    """A small request does not wait for a huge one of the same batch."""
    order = [lengths[index] for run in plan(lengths, tokens_max) for index in run]
    assert order == sorted(order)


@given(rows=st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=6), min_size=1, max_size=8))
def test_padding_is_taken_away_exactly(rows: list[list[int]]) -> None:
    """What the client padded comes out as what it had."""
    ids, lengths = pad_rows([_ids(*row) for row in rows])
    split = split_rows(ids, lengths, _SETTINGS)
    assert not isinstance(split, Refusal)
    assert [row.tolist() for row in split] == rows


@pytest.mark.parametrize(
    ("ids", "lengths", "complaint"),
    [
        ([[1, 2]], [[0]], "a length is 0, not in [1, 2]"),
        ([[1, 2]], [[3]], "a length is 3, not in [1, 2]"),
        ([[1, 2]], [[-1]], "a length is -1, not in [1, 2]"),
        ([[1] * 7], [[7]], "7 tokens are more than the model's 6"),
        ([[1, 100]], [[2]], "a token id is not in [0, 100)"),
        ([[1, -1]], [[2]], "a token id is not in [0, 100)"),
        ([[1, 2], [3, 4]], [[2, 2]], "lengths has shape (1, 2), not (2, 1)"),
    ],
)
def test_what_the_model_cannot_run_is_refused(
    ids: list[list[int]], lengths: list[list[int]], complaint: str
) -> None:
    """The model itself checks nothing: it would wrap, read elsewhere or crash."""
    arrays = np.array(ids, dtype=np.int32), np.array(lengths, dtype=np.int32)
    assert split_rows(*arrays, _SETTINGS) == Refusal(complaint)


def test_padding_may_hold_any_id() -> None:
    """Only real tokens are checked and run."""
    split = split_rows(np.array([[5, -7]], dtype=np.int32), _ids(1).reshape(1, 1), _SETTINGS)
    assert not isinstance(split, Refusal)
    assert [row.tolist() for row in split] == [[5]]


def _first_id(sequences: list[Ids]) -> Vectors:
    """A model whose vector is (first id, length), and not finite for id 13."""
    vectors = np.array([[row[0], len(row)] for row in sequences], dtype=np.float32)
    vectors[vectors[:, 0] == 13] = np.nan
    return vectors


@given(
    requests=st.lists(
        st.lists(
            st.lists(st.integers(0, 99), min_size=1, max_size=9).map(lambda ids: _ids(*ids)),
            min_size=1,
            max_size=4,
        ),
        max_size=6,
    )
)
def test_every_request_gets_its_own_rows(requests: list[list[Ids]]) -> None:
    """In order, whatever ran with what; and a row that is not finite fails its request only."""
    answers = dict(embed_requests(_first_id, requests, width=2, tokens_max=8))
    assert sorted(answers) == list(range(len(requests)))
    for index, rows in enumerate(requests):
        answer = answers[index]
        if any(row[0] == 13 for row in rows):
            assert answer == NotFinite()
        else:
            assert not isinstance(answer, NotFinite)
            assert answer.tolist() == [[row[0], len(row)] for row in rows]


def test_a_nan_in_the_weights_spoils_only_the_sequences_that_meet_it(tmp_path: Path) -> None:
    """Not even through packing, attention or pooling does it reach a neighbour."""
    arrays = tiny_arrays()
    arrays["embeddings.word_embeddings.weight"][13] = np.nan
    write_tiny(tmp_path, arrays)
    (tmp_path / "model.onnx").write_bytes(write_padded(tmp_path).SerializeToString())
    encoder = Encoder.load(tmp_path / "model.onnx", threads=1)
    requests = [[_ids(1, 2)], [_ids(3, 13, 4, 5)], [_ids(6)], [_ids(7, 8, 9), _ids(13)]]
    answers = dict(embed_requests(encoder.embed, requests, width=WIDTH, tokens_max=64))
    spoilt = [index for index, answer in sorted(answers.items()) if isinstance(answer, NotFinite)]
    assert spoilt == [1, 3]


@pytest.mark.parametrize(
    "settings",
    [
        _SETTINGS,
        replace(_SETTINGS, engine=Engine.TORCH, precision=Precision.BF16, device=Device.CUDA),
    ],
)
def test_settings_survive_the_configuration(settings: EngineSettings) -> None:
    """What the repository writes is what the engine reads."""
    assert EngineSettings.parse(settings.parameters()) == settings


@pytest.mark.parametrize("value", [None, "", "0", "-1", "x"])
def test_a_setting_that_is_no_positive_integer_is_named(value: str | None) -> None:
    """A repository edited by hand fails at load, with the parameter's name."""
    parameters = _SETTINGS.parameters() | {"threads": value}
    given_parameters = {k: v for k, v in parameters.items() if v is not None}
    with pytest.raises(ValueError, match="parameter threads"):
        EngineSettings.parse(given_parameters)


@pytest.mark.parametrize("name", ["engine", "precision", "device"])
@pytest.mark.parametrize("value", ["", "x", "FP32"])
def test_a_setting_that_is_no_choice_is_named(name: str, value: str) -> None:
    """With what there is to choose from."""
    with pytest.raises(ValueError, match=f"parameter {name} is '{value}', not one of .*, "):
        EngineSettings.parse(_SETTINGS.parameters() | {name: value})


def test_a_plan_of_tensorrt_is_not_run_in_python(tmp_path: Path) -> None:
    """Its own backend runs it."""
    with pytest.raises(ValueError, match="in Triton's own backend"):
        load_engine(replace(_SETTINGS, engine=Engine.TENSORRT), tmp_path)
