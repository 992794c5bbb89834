"""The official SDKs, watched: each request they make, what they are told, how long they wait.

Each calls again and again until one call is refused, or had to be repeated.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import openai

from stack.launch import RunningStack
from tests.waiting import wait_until

MODEL: Final = "Qwen/Qwen3-Embedding-8B"
RETRIES: Final = 2
"""What both SDKs do where nobody says otherwise."""

_NODE_MODULES: Final = Path(__file__).parents[1] / "page" / "node" / "node_modules"
_CALLS_MAX: Final = 1000
_TIMER_MS: Final = 2
"""Node's timers count whole milliseconds, from the last turn of its loop."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request of a call; `waited_ms` is how long after the answer before it was made."""

    status: int
    told_ms: int | None
    waited_ms: float | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the SDK raised in the end."""

    kind: str
    status: int
    code: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The last call: its requests, and how it ended. The edge saw as many in all as were made."""

    attempts: tuple[Attempt, ...]
    refusal: Refusal | None

    @property
    def statuses(self) -> list[int]:
        """What each request was answered."""
        return [attempt.status for attempt in self.attempts]

    @property
    def came_too_soon(self) -> bool:
        """Whether a request was made before the time that the answer before it had told."""
        pairs = zip(self.attempts, self.attempts[1:], strict=False)
        return any((one.told_ms or 0) - _TIMER_MS > (two.waited_ms or 0) for one, two in pairs)


Sdk = Callable[[str, str, str, int, str], tuple[int, Outcome]]
"""Takes base URL, key, input, retries and user agent; also tells how many requests it made."""


def call(
    sdk: Sdk, stack: RunningStack, key: str, text: str = "Hello", retries: int = RETRIES
) -> Outcome:
    """Call with an SDK, and see at the edge that it made the requests that it says, and no more."""
    marker = f"sdk-test {uuid4()}"
    made, outcome = sdk(stack.base_url, key, text, retries, marker)
    wait_until(lambda: len(_seen_at_edge(stack, marker)) >= made)
    seen = _seen_at_edge(stack, marker)
    last = [(status, str(number)) for number, status in enumerate(outcome.statuses)]
    assert seen == [(200, "0")] * (made - len(last)) + last
    return outcome


def _seen_at_edge(stack: RunningStack, marker: str) -> list[tuple[int, str]]:
    lines = stack.layout.log("envoy").read_text().splitlines()
    answers = [json.loads(line) for line in lines if f'"{marker}"' in line]
    return [(answer["status"], answer["retry_count"]) for answer in answers]


def python(url: str, key: str, text: str, retries: int, marker: str) -> tuple[int, Outcome]:
    """Call with the Python SDK."""
    watch = _Watch()
    with (
        openai.DefaultHttpxClient(
            timeout=60, event_hooks={"request": [watch.begin], "response": [watch.end]}
        ) as transport,
        openai.OpenAI(
            base_url=url,
            api_key=key,
            max_retries=retries,
            http_client=transport,
            default_headers={"user-agent": marker},
        ) as client,
    ):
        for _ in range(_CALLS_MAX):
            watch.forget()
            try:
                client.embeddings.create(model=MODEL, input=text)
            except openai.APIStatusError as error:
                refusal = Refusal(type(error).__name__, error.status_code, error.code)
                return watch.made, Outcome(tuple(watch.attempts), refusal)
            if len(watch.attempts) > 1:
                break
    return watch.made, Outcome(tuple(watch.attempts), None)


class _Watch:
    """Sees the requests of the Python SDK go out and their answers come in."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.made = 0
        self._ended: float | None = None
        self._waited: float | None = None

    def forget(self) -> None:
        """Begin with another call."""
        self.attempts = []
        self._ended = None

    def begin(self, _: object) -> None:
        """Note when a request is made."""
        self.made += 1
        self._waited = None if self._ended is None else (time.monotonic() - self._ended) * 1000

    def end(self, answer: Any) -> None:  # noqa: ANN401 of the SDK's own HTTP client
        """Note what it was answered."""
        told = answer.headers.get("retry-after-ms")
        attempt = Attempt(answer.status_code, told and int(told), self._waited)
        self.attempts.append(attempt)
        self._ended = time.monotonic()


_SCRIPT: Final = """
import OpenAI from "openai";
const {url, key, text, retries, marker, model, calls} = JSON.parse(process.env.CALL);
let attempts, ended, made = 0, refusal = null;
const client = new OpenAI({
  baseURL: url, apiKey: key, maxRetries: retries, defaultHeaders: {"User-Agent": marker},
  fetch: async (...request) => {
    const waited = ended === null ? null : performance.now() - ended;
    made += 1;
    const answer = await fetch(...request);
    const told = answer.headers.get("retry-after-ms");
    attempts.push([answer.status, told === null ? null : Number(told), waited]);
    ended = performance.now();
    return answer;
  },
});
for (let number = 0; number < calls; number += 1) {
  attempts = [], ended = null;
  try {
    await client.embeddings.create({model, input: text});
  } catch (error) {
    refusal = [error.constructor.name, error.status, error.code];
    break;
  }
  if (attempts.length > 1) break;
}
console.log(JSON.stringify({made, attempts, refusal}));
"""


def node(url: str, key: str, text: str, retries: int, marker: str) -> tuple[int, Outcome]:
    """Call with the Node SDK."""
    told = {"url": url, "key": key, "text": text, "retries": retries, "marker": marker}
    told |= {"model": MODEL, "calls": _CALLS_MAX}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "node_modules").symlink_to(_NODE_MODULES)
        Path(folder, "script.mjs").write_text(_SCRIPT)
        ended = subprocess.run(
            [str(Path(sys.executable).with_name("node")), "script.mjs"],
            cwd=folder,
            env={**os.environ, "CALL": json.dumps(told)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert ended.returncode == 0, ended.stderr
    seen: dict[str, Any] = json.loads(ended.stdout)
    refusal = seen["refusal"] and Refusal(*seen["refusal"])
    return seen["made"], Outcome(tuple(Attempt(*each) for each in seen["attempts"]), refusal)
