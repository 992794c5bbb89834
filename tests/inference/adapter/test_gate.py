"""The bound on tokens in flight."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from inference.adapter.gate import TokenGate


class Visitors:
    """Batches at a gate: who is inside, and in what order they got in."""

    def __init__(self, tokens_max: int) -> None:
        self.gate = TokenGate(tokens_max)
        self.entered: list[int] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.leave: list[asyncio.Event] = []

    async def arrive(self, tokens: int) -> int:
        """Send one batch; return its number."""
        number = len(self.tasks)
        self.leave.append(asyncio.Event())
        self.tasks.append(asyncio.create_task(self._visit(number, tokens)))
        await settle()
        return number

    async def depart(self, number: int) -> None:
        """Let a batch that is inside go."""
        self.leave[number].set()
        await settle()

    async def cancel(self, number: int) -> None:
        """Cancel a batch, inside or waiting."""
        self.tasks[number].cancel()
        await settle()

    async def _visit(self, number: int, tokens: int) -> None:
        async with self.gate.hold(tokens):
            self.entered.append(number)
            await self.leave[number].wait()


async def settle() -> None:
    """Let every task go as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_batches_get_in_while_their_tokens_fit() -> None:
    """The bound is reached and not passed."""
    visitors = Visitors(10)
    for tokens in (4, 6, 1):
        await visitors.arrive(tokens)
    assert visitors.entered == [0, 1]
    assert (visitors.gate.tokens_inside, visitors.gate.tokens_waiting) == (10, 1)


async def test_a_large_batch_is_not_overtaken_by_small_ones() -> None:
    """First come, first served: a stream of small batches cannot starve a large one."""
    visitors = Visitors(10)
    for tokens in (6, 9, 1):
        await visitors.arrive(tokens)
    assert visitors.entered == [0]
    await visitors.depart(0)
    assert visitors.entered == [0, 1, 2]


async def test_a_batch_over_the_bound_is_run_alone() -> None:
    """An input longer than the whole budget is served, not refused for ever."""
    visitors = Visitors(10)
    for tokens in (3, 50, 1):
        await visitors.arrive(tokens)
    assert visitors.entered == [0]
    await visitors.depart(0)
    assert visitors.entered == [0, 1]
    await visitors.depart(1)
    assert visitors.entered == [0, 1, 2]


async def test_a_cancelled_waiter_lets_the_next_one_in() -> None:
    """When the client at the head leaves, those behind do not wait for it."""
    visitors = Visitors(10)
    for tokens in (6, 9, 4):
        await visitors.arrive(tokens)
    await visitors.cancel(1)
    assert visitors.entered == [0, 2]
    assert (visitors.gate.tokens_inside, visitors.gate.tokens_waiting) == (10, 0)


async def test_a_waiter_cancelled_as_it_is_let_in_gives_its_room_back() -> None:
    """The two can happen in one turn of the loop, and no tokens leak."""
    visitors = Visitors(10)
    for tokens in (10, 10, 10):
        await visitors.arrive(tokens)
    visitors.leave[0].set()
    await asyncio.sleep(0)  # the first is leaving, and lets the second in
    visitors.tasks[1].cancel()
    await settle()
    assert visitors.entered == [0, 2]
    assert visitors.gate.tokens_inside == 10


@given(
    st.lists(
        st.tuples(st.sampled_from(["arrive", "depart", "cancel"]), st.integers(0, 30)), max_size=40
    )
)
def test_no_order_of_events_leaks_tokens_or_leaves_a_batch_waiting(
    events: list[tuple[str, int]],
) -> None:
    """Whoever arrives, leaves or is cancelled, in the end the gate is empty."""

    async def play() -> None:
        visitors = Visitors(20)
        for event, number in events:
            if event == "arrive":
                await visitors.arrive(number + 1)
            elif number < len(visitors.tasks):
                await (visitors.depart if event == "depart" else visitors.cancel)(number)
            gate = visitors.gate
            assert gate.tokens_inside <= 20 or gate.tokens_inside in range(21, 32)
        for leave in visitors.leave:
            leave.set()
        await asyncio.gather(*visitors.tasks, return_exceptions=True)
        assert (visitors.gate.tokens_inside, visitors.gate.tokens_waiting) == (0, 0)

    asyncio.run(play())
