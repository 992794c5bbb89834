"""How a compiler that runs in a thread of its own is seen and stopped."""

import signal
import threading

import pytest

from inference.progress import Silent
from inference.tensorrt.compiler import Watch
from inference.tensorrt.watched import run_watched
from tests.inference.tensorrt.doubles import Shown

_POLLS_MAX = 1000


def test_the_result_comes_back() -> None:
    """Also of work that tells nothing."""
    assert run_watched(lambda _: 7, Silent(), "working") == 7


def test_a_failure_comes_back() -> None:
    """As it was raised."""

    def fail(_: Watch) -> None:
        raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        run_watched(fail, Silent(), "working")


def test_a_phase_is_shown_while_it_lasts() -> None:
    """It is named after the work that it is part of."""
    shown = Shown()

    def work(watch: Watch) -> None:
        watch.tell("first")
        shown.wait()

    run_watched(work, shown, "working")
    assert shown.steps == ["working: first"]


def test_an_interruption_waits_until_the_work_has_noticed() -> None:
    """What the work wrote can be removed by then."""
    ended, shown = threading.Event(), Shown()

    def work(watch: Watch) -> None:
        watch.tell("first")
        shown.wait()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        for _ in range(_POLLS_MAX):
            if not watch.goes_on():
                ended.set()
                return
            threading.Event().wait(0.01)

    with pytest.raises(KeyboardInterrupt):
        run_watched(work, shown, "working")
    assert ended.is_set()
