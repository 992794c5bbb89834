"""The public page is true: its snippets run as they stand, with only the base URL changed."""

import base64
import json
import os
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from contract import keys
from stack.launch import RunningStack
from tests import unencrypted

_HERE = Path(__file__).parent
_PAGE = (_HERE / "product-page.txt").read_text()
_PAGE_URL = "https://api.tesseraai.cloud/v1"


def _between(start: str, end: str) -> str:
    """Return the page's text from the line after `start` up to `end`."""
    match = re.search(rf"{re.escape(start)}\n(.*?){re.escape(end)}", _PAGE, re.DOTALL)
    assert match, f"the page no longer holds {start!r} before {end!r}"
    return match[1]


def _run(command: list[str], stack: RunningStack, cwd: Path | None = None) -> str:
    environment = {**os.environ, "TESSERA_API_KEY": stack.key}
    ended = subprocess.run(
        command,
        env=environment,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def _run_node(script: str, stack: RunningStack, folder: Path) -> str:
    (folder / "node_modules").symlink_to(_HERE / "node" / "node_modules")
    (folder / "script.mjs").write_text(script)
    node = Path(sys.executable).with_name("node")
    return _run([str(node), "script.mjs"], stack, cwd=folder)


def test_the_python_snippet_gets_an_embedding(stack: RunningStack) -> None:
    """A reader who copies the Python snippet has a client that works."""
    snippet = _between("# Python", "# Node.js").replace(_PAGE_URL, stack.base_url)
    script = f"""
import os
{snippet}
answer = client.embeddings.create(input="Hello", model="Qwen/Qwen3-Embedding-8B")
print(len(answer.data[0].embedding), answer.usage.total_tokens)
"""
    assert _run([sys.executable, "-c", script], stack).split() == ["384", "3"]


def test_the_node_snippet_gets_an_embedding(stack: RunningStack, tmp_path: Path) -> None:
    """A reader who copies the Node.js snippet has a client that works."""
    snippet = _between("# Node.js", "# cURL").replace(_PAGE_URL, stack.base_url)
    script = f"""{snippet}
const answer = await client.embeddings.create({{
  input: "Hello", model: "Qwen/Qwen3-Embedding-8B"
}});
console.log(answer.data[0].embedding.length, answer.usage.total_tokens);
"""
    assert _run_node(script, stack, tmp_path).split() == ["384", "3"]


def test_the_curl_snippet_gets_an_embedding(stack: RunningStack) -> None:
    """A reader who pastes the cURL snippet into a shell sees a vector."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed, so the cURL snippet could not be run")
    snippet = _between("# cURL", "Rotation and best practices").replace(_PAGE_URL, stack.base_url)
    answer = json.loads(_run(["bash", "-c", snippet], stack))
    assert len(answer["data"][0]["embedding"]) == 384


def test_both_sdks_decode_the_default_encoding(stack: RunningStack, tmp_path: Path) -> None:
    """Base64, which both SDKs ask for, reads as the same floats in each of them and by hand."""
    python = f"""
import json, os
from openai import OpenAI
client = OpenAI(base_url={stack.base_url!r}, api_key=os.environ["TESSERA_API_KEY"])
answer = client.embeddings.create(input="Hello", model="Qwen/Qwen3-Embedding-8B")
print(json.dumps(answer.data[0].embedding))
"""
    node = f"""
import OpenAI from "openai";
const client = new OpenAI({{
  baseURL: "{stack.base_url}", apiKey: process.env.TESSERA_API_KEY
}});
const answer = await client.embeddings.create({{
  input: "Hello", model: "Qwen/Qwen3-Embedding-8B"
}});
console.log(JSON.stringify(Array.from(answer.data[0].embedding)));
"""
    answer = unencrypted.post(
        f"{stack.base_url}/embeddings",
        headers={"authorization": f"Bearer {stack.key}"},
        json={"input": "Hello", "model": "Qwen/Qwen3-Embedding-8B", "encoding_format": "base64"},
        timeout=30,
    ).json()
    by_hand = struct.unpack("<384f", base64.b64decode(answer["data"][0]["embedding"]))
    from_python = json.loads(_run([sys.executable, "-c", python], stack))
    assert from_python == pytest.approx(list(by_hand), abs=1e-6)
    assert json.loads(_run_node(node, stack, tmp_path)) == pytest.approx(list(by_hand), abs=1e-6)


def test_the_key_shown_on_the_page_has_the_form_of_a_key() -> None:
    """The form that the page shows is the form that the edge lets through."""
    shown = re.search(r"sk-tessera-[0-9A-Za-z]{40}(?=Using the key)", _PAGE)
    assert shown
    assert re.fullmatch(keys.PATTERN, shown[0])
