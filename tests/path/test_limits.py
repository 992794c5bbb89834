"""Requests per minute on the whole path, shared by two authz processes."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from stack.launch import RunningStack
from tests import unencrypted
from tests.customers import open_account, open_tier
from tests.waiting import wait_until

_BODY = {"model": "Qwen/Qwen3-Embedding-8B", "input": "Hello"}
_LIMIT = 60
_CLIENTS = 8
_REQUESTS_EACH = 25
_PROCESSES = ("authz-1", "authz-2")


def test_two_processes_grant_exactly_the_limit(pair: RunningStack) -> None:
    """Under concurrent load: all of the bucket and what refilled, and not one request more.

    Every request, granted or not, has an id of its own.
    """
    key = open_account(pair, tier=open_tier(pair, requests_per_minute=_LIMIT))
    wait_until(lambda: _is_known_everywhere(pair, key))
    started = time.monotonic()
    with ThreadPoolExecutor(_CLIENTS) as clients:
        runs = clients.map(lambda _: _call_often(pair, key), range(_CLIENTS))
        answers = [answer for run in runs for answer in run]
    refilled = (time.monotonic() - started) * _LIMIT / 60
    granted = [answer.status_code for answer in answers].count(200)
    assert {answer.status_code for answer in answers} == {200, 429}
    assert _LIMIT <= granted <= _LIMIT + refilled
    assert len({answer.headers["x-request-id"] for answer in answers}) == len(answers)
    assert all(int(_wait(answer)) > 0 for answer in answers if answer.status_code == 429)
    assert all(_checks(pair, name, 'verdict="allowed"') > 0 for name in _PROCESSES)


def test_a_changed_tier_holds_in_every_process_without_a_restart(pair: RunningStack) -> None:
    """Within moments of the command, and so does that it only watches."""
    tier = open_tier(pair, requests_per_minute=1000)
    key = open_account(pair, tier=tier)
    wait_until(lambda: _is_known_everywhere(pair, key))
    pids = _pids(pair)
    assert _told_limits(pair, key) == {"1000"}
    _upsert(pair, tier, "--requests-per-minute", "3")
    wait_until(lambda: _told_limits(pair, key) == {"3"})
    wait_until(lambda: _statuses(pair, key) == {429})  # what was leased before is soon used up
    _upsert(pair, tier, "--enforcement", "shadow")
    wait_until(lambda: _statuses(pair, key) == {200})
    assert _pids(pair) == pids


def _upsert(stack: RunningStack, tier: str, *options: str) -> None:
    program = Path(sys.executable).with_name("tessera")
    command = (str(program), "tiers", "upsert", tier, *options, "--state", str(stack.layout.state))
    subprocess.run(command, check=True, timeout=60, capture_output=True)


def _told_limits(stack: RunningStack, key: str) -> set[str]:
    """Return the limits that some answers tell, of which each process gives several."""
    before = _checks_of_each(stack)
    told = {_post(stack, key).headers["x-ratelimit-limit-requests"] for _ in range(20)}
    after = _checks_of_each(stack)
    assert all(some < more for some, more in zip(before, after, strict=True))
    return told


def _statuses(stack: RunningStack, key: str) -> set[int]:
    return {_post(stack, key).status_code for _ in range(20)}


def _checks_of_each(stack: RunningStack) -> list[float]:
    return [_checks(stack, name, "") for name in _PROCESSES]


def _pids(stack: RunningStack) -> list[int]:
    return [stack.pid(name) for name in _PROCESSES]


def _post(stack: RunningStack, key: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"}
    return unencrypted.post(f"{stack.base_url}/embeddings", headers=headers, json=_BODY, timeout=30)


def _call_often(stack: RunningStack, key: str) -> list[httpx.Response]:
    with httpx.Client(headers={"authorization": f"Bearer {key}"}, timeout=30) as client:
        url = f"{stack.base_url}/embeddings"
        return [client.post(url, json=_BODY) for _ in range(_REQUESTS_EACH)]


def _wait(answer: httpx.Response) -> str:
    return answer.headers["retry-after-ms"]


def _is_known_everywhere(stack: RunningStack, key: str) -> bool:
    headers = {"authorization": f"Bearer {key}"}
    url = f"{stack.base_url}/models"
    answers = [unencrypted.get(url, headers=headers, timeout=5) for _ in range(20)]
    return {answer.status_code for answer in answers} == {200}


def _checks(stack: RunningStack, name: str, label: str) -> float:
    with unencrypted.client_of(stack.layout.socket(f"{name}.metrics"), timeout_seconds=5) as client:
        lines = client.get("/metrics").text.splitlines()
    counts = (line for line in lines if line.startswith(f"authz_checks_total{{{label}"))
    return sum(float(line.rpartition(" ")[2]) for line in counts)
