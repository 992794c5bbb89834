"""The official SDKs on the whole path: every form of input, every answer, both languages."""

import json
import os
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import openai
import pytest

from stack.launch import RunningStack
from tests import unencrypted
from tests.golden.vectors import BATCH_COSINE_MIN, COSINE_MIN, read_golden

_MODEL = "Qwen/Qwen3-Embedding-8B"
_SERVED = "sentence-transformers/all-MiniLM-L6-v2"
_NODE_MODULES = Path(__file__).parents[1] / "page" / "node" / "node_modules"

_IDS = [7592, 2088]  # hello world
_FORMS: dict[str, tuple[Any, int]] = {
    "a text": ("hello world", 4),
    "texts": (["hello world", "hello"], 7),
    "ids": (_IDS, 4),
    "lists of ids": ([_IDS, [7592]], 7),
}
"""Each form of input, and the tokens that it costs."""


@pytest.fixture(scope="module")
def client(stack: RunningStack) -> Iterator[openai.OpenAI]:
    """The Python SDK, as the page sets it up; it does not retry, so nothing is hidden."""
    with openai.OpenAI(base_url=stack.base_url, api_key=stack.key, max_retries=0) as client:
        yield client


def test_every_golden_text_gets_the_reference_vector(client: openai.OpenAI) -> None:
    """Together in one request: what the reference implementation gives, whatever the neighbours."""
    golden = read_golden()
    answer = client.embeddings.create(model=_MODEL, input=[each.text for each in golden])
    vectors = np.array([item.embedding for item in answer.data])
    cosines = np.einsum("ij,ij->i", vectors, np.array([each.vector for each in golden]))
    assert cosines.min() >= COSINE_MIN
    assert answer.usage.total_tokens == sum(len(each.ids) for each in golden)


@pytest.mark.parametrize(("given", "tokens"), _FORMS.values(), ids=_FORMS.keys())
def test_every_form_of_input_is_served_and_counted(
    client: openai.OpenAI,
    given: Any,  # noqa: ANN401 the SDK's own union of forms is not exported
    tokens: int,
) -> None:
    """Ids mean what their text means, and cost the same."""
    answer = client.embeddings.create(model=_MODEL, input=given)
    hello_world = client.embeddings.create(model=_MODEL, input="hello world").data[0].embedding
    assert (answer.usage.prompt_tokens, answer.usage.total_tokens) == (tokens, tokens)
    assert [item.index for item in answer.data] == list(range(len(answer.data)))
    assert answer.model == _SERVED
    assert np.dot(answer.data[0].embedding, hello_world) >= BATCH_COSINE_MIN


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_fewer_dimensions_are_the_first_ones_made_unit_length(
    client: openai.OpenAI, encoding: Literal["float", "base64"]
) -> None:
    """Cut, then normalised, in either encoding; base64 that was asked for is left as it is."""
    whole = np.array(client.embeddings.create(model=_MODEL, input="Hello").data[0].embedding)
    answer = client.embeddings.create(
        model=_MODEL, input="Hello", dimensions=64, encoding_format=encoding
    )
    seen: Any = answer.data[0].embedding
    short = np.frombuffer(b64decode(seen), "<f4") if encoding == "base64" else np.array(seen)
    assert list(short) == pytest.approx(list(whole[:64] / np.linalg.norm(whole[:64])), abs=1e-6)


def test_python_lists_and_retrieves_models(client: openai.OpenAI) -> None:
    """By ids with a slash, which the SDK escapes."""
    assert [model.id for model in client.models.list()] == [_SERVED, _MODEL]
    assert client.models.retrieve(_MODEL).id == _MODEL
    with pytest.raises(openai.NotFoundError) as raised:
        client.models.retrieve("gpt-9/none")
    assert raised.value.code == "model_not_found"


_SCRIPT = """
import OpenAI from "openai";
const client = new OpenAI({
  baseURL: process.env.OPENAI_BASE_URL, apiKey: process.env.OPENAI_API_KEY, maxRetries: 0
});
const model = "Qwen/Qwen3-Embedding-8B";
const seen = {forms: [], models: []};
for (const input of JSON.parse(process.env.FORMS)) {
  const answer = await client.embeddings.create({model, input});
  seen.forms.push([answer.usage.total_tokens, answer.data[0].embedding.length]);
}
for (const encoding_format of ["float", "base64"]) {
  const answer = await client.embeddings.create(
    {model, input: "Hello", dimensions: 64, encoding_format});
  const embedding = answer.data[0].embedding;
  seen[encoding_format] = embedding.length;
}
for await (const each of client.models.list()) seen.models.push(each.id);
seen.retrieved = (await client.models.retrieve(model)).id;
seen.refused = await client.embeddings.create({model, input: ""}).catch(
  (error) => [error.constructor.name, error.status, error.param, error.requestID.slice(0, 4)]);
console.log(JSON.stringify(seen));
"""


def test_node_does_all_of_it_too(stack: RunningStack, tmp_path: Path) -> None:
    """The forms of input, dimensions, encodings, models, and an error that names its request."""
    (tmp_path / "node_modules").symlink_to(_NODE_MODULES)
    (tmp_path / "script.mjs").write_text(_SCRIPT)
    ended = subprocess.run(
        [str(Path(sys.executable).with_name("node")), "script.mjs"],
        cwd=tmp_path,
        env={
            **os.environ,
            "OPENAI_BASE_URL": stack.base_url,
            "OPENAI_API_KEY": stack.key,
            "FORMS": json.dumps([given for given, _ in _FORMS.values()]),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == {
        "forms": [[tokens, 384] for _, tokens in _FORMS.values()],
        "float": 64,
        "base64": 344,  # characters: 64 numbers of 4 bytes
        "models": [_SERVED, _MODEL],
        "retrieved": _MODEL,
        "refused": ["BadRequestError", 400, "input", "req_"],
    }


def test_usage_is_what_was_charged(stack: RunningStack, client: openai.OpenAI) -> None:
    """No request of this run was answered with other tokens than authz had counted."""
    client.embeddings.create(model=_MODEL, input=["a", "naïve café 日本語 🙂", "b " * 400])
    with unencrypted.client_of(stack.layout.socket("adapter"), timeout_seconds=5) as metrics:
        assert "adapter_usage_mismatches_total 0.0\n" in metrics.get("/metrics").text
