"""The open loop, and that latencies count from when calls were due."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from typing import TYPE_CHECKING

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from pymacaron_unit.load.calls import Call
from pymacaron_unit.load.generator import Generator
from pymacaron_unit.load.outcome import NOT_SENT, TIMEOUT, Answer, Outcome
from pymacaron_unit.load.schedule import Schedule
from pymacaron_unit.load.tally import Recorder, Tally, total
from virtual_time import run_in_virtual_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

CALLS = [Call("getPet", "GET", "http://127.0.0.1/", {})]


def outcomes_of(
    moments: Iterable[float], services: Sequence[float], limit: int = 1000, grace: float = 60.0
) -> list[Outcome]:
    """Send calls to a service that takes these seconds for them, in order; all of it in virtual time."""
    seconds = iter(services)
    found: list[Outcome] = []

    async def send(_call: Call) -> Answer:
        await asyncio.sleep(next(seconds))
        return Answer(200)

    generator = Generator(moments, itertools.cycle(CALLS), send, found.append, limit, grace, precision=0)
    run_in_virtual_time(generator.run())
    return sorted(found, key=lambda outcome: outcome.due)


def queue(moments: Sequence[float], services: Sequence[float], limit: int) -> list[tuple[float, float]]:
    """Work out when each call is sent and done: first come, first served, `limit` at once (Lindley's recursion)."""
    free = [moments[0]] * limit
    found = []
    for due, service in zip(moments, services, strict=True):
        sent = max(due, heapq.heappop(free))
        found.append((sent, sent + service))
        heapq.heappush(free, sent + service)
    return found


@given(st.data(), st.integers(1, 4), st.booleans())
def test_calls_are_those_of_a_queue(data: st.DataObject, limit: int, poisson: bool) -> None:
    """Each call is sent when it is due and one of the places is free; its end is told as it was."""
    moments = list(Schedule(20, 2, poisson=poisson, seed=data.draw(st.integers(0, 99))))
    services = data.draw(st.lists(st.floats(0.001, 0.5), min_size=len(moments), max_size=len(moments)))
    found = outcomes_of(moments, services, limit)
    assert [outcome.due for outcome in found] == moments
    for outcome, (sent, done) in zip(found, queue(moments, services, limit), strict=True):
        assert outcome.sent == pytest.approx(sent, abs=1e-6)
        assert outcome.done == pytest.approx(done, abs=1e-6)
        assert outcome.response_time == pytest.approx(done - outcome.due, abs=1e-6)
        assert outcome.service_time == pytest.approx(done - sent, abs=1e-6)
        assert outcome.is_late == (sent - outcome.due > 0.01)
        assert not outcome.is_behind


def test_stall_is_charged_to_every_call_that_was_due() -> None:
    """One call at a time, 100 a second, one stall of a second: who waits for answers sees one slow call, callers 100.

    Without the stall each call takes a millisecond. So the call that stalls takes 1 s, the one after it was due 10 ms
    later and comes back 1001 ms after the stall began, and so on: the queue empties by 9 ms a call.
    """
    moments = list(Schedule(100, 10))
    services = [1.0 if index == 300 else 0.001 for index in range(1000)]
    tally = total([])
    for outcome in outcomes_of(moments, services, limit=1):
        tally.record(outcome)
    expected = sorted(max(1.0 - 0.009 * behind, 0.001) for behind in range(700)) + [0.001] * 300
    expected.sort()
    for percent in (50, 90, 95, 99, 99.9, 100):
        rank = -(-percent * len(expected) // 100)
        assert tally.response.percentile(percent) == pytest.approx(expected[int(rank) - 1], rel=2e-3)
    assert tally.response.percentile(99) == pytest.approx(0.91, rel=1e-2)
    assert tally.service.percentile(99.8) == pytest.approx(0.001, rel=1e-2)
    assert tally.service.maximum == pytest.approx(1.0)
    assert tally.late == sum(each - 0.001 > 0.01 for each in expected) - 1


def test_as_many_slow_calls_as_the_histogram_would_add() -> None:
    """What was measured has the slow calls that a correction from the calls' interval would make up (HDR's own).

    That correction is for a client that waits, and so is one of service times: it adds what such a client left out.
    """
    afterwards = HdrHistogram(1, 3_600_000_000, 3)
    measured = []
    services = [2.0 if index == 100 else 0.0001 for index in range(1000)]
    for outcome in outcomes_of(list(Schedule(100, 10)), services, limit=1):
        assert outcome.service_time is not None
        assert outcome.response_time is not None
        afterwards.record_corrected_value(round(outcome.service_time * 1e6), 10_000)
        measured.append(outcome.response_time)
    steps = [
        (step.value_iterated_to / 1e6, step.count_at_value_iterated_to) for step in afterwards.get_recorded_iterator()
    ]
    for bound in (0.105, 0.505, 1.005, 1.905):
        added = sum(count for value, count in steps if value > bound)
        assert sum(each > bound for each in measured) == pytest.approx(added, abs=2)
        assert added > 5


def test_calls_that_come_back_too_late_are_given_up() -> None:
    """After the grace, those under way are timeouts, those that had to wait were not sent; both count as waited for."""
    found = outcomes_of([0.0, 0.1, 0.2], [100.0] * 3, limit=2, grace=5.0)
    assert [outcome.answer.failure for outcome in found] == [TIMEOUT, TIMEOUT, NOT_SENT]
    assert [outcome.response_time for outcome in found] == [pytest.approx(5.2), pytest.approx(5.1), pytest.approx(5.0)]
    assert found[2].service_time is None
    assert found[2].is_late


def test_busy_generator_is_told_from_a_slow_service() -> None:
    """The loop itself is held up for 50 ms once: the calls that were due meanwhile are late on its account."""
    found: list[Outcome] = []

    async def send(_call: Call) -> Answer:
        if len(found) == 5:
            time.sleep(0.05)  # to block the loop is the point
        return Answer(200)

    calls = itertools.cycle(CALLS)
    asyncio.run(Generator(Schedule(500, 0.2), calls, send, found.append, 1000, 1.0).run())
    tally = Tally()
    for outcome in found:
        tally.record(outcome)
    assert tally.behind >= 15
    assert tally.behind == tally.late


def test_interrupt_ends_early() -> None:
    """Nothing more is sent; calls that come back at once still count, the others are only told of."""
    found: list[Outcome] = []

    async def send(_call: Call) -> Answer:
        await asyncio.sleep(0.2 if len(found) < 3 else 30)
        return Answer(200)

    async def main() -> None:
        generator = Generator(Schedule(10, 60), itertools.cycle(CALLS), send, found.append, 100, 60.0, precision=0)
        asyncio.get_running_loop().call_later(2.01, generator.stop)
        started = asyncio.get_running_loop().time()
        await generator.run()
        assert generator.interrupted
        assert len(found) + generator.unfinished == 20
        assert generator.unfinished > 10
        assert asyncio.get_running_loop().time() - started == pytest.approx(3.01)

    run_in_virtual_time(main())


def test_second_interrupt_ends_at_once() -> None:
    """No further second of waiting."""

    async def send(_call: Call) -> Answer:
        await asyncio.sleep(30)
        return Answer(200)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        generator = Generator(Schedule(10, 60), itertools.cycle(CALLS), send, print, 100, 60.0, precision=0)
        loop.call_later(1, generator.stop)
        loop.call_later(1.2, generator.stop)
        await generator.run()
        assert loop.time() == pytest.approx(1.2)

    run_in_virtual_time(main())


def test_fault_of_the_generator_is_raised() -> None:
    """What goes wrong in the loop itself is no result."""

    async def main() -> None:
        with pytest.raises(RuntimeError, match="no more calls"):
            await Generator(Schedule(10, 1), _broken(), _never, print, 1, 1.0, precision=0).run()

    run_in_virtual_time(main())


def _broken() -> Iterator[Call]:
    yield CALLS[0]
    raise RuntimeError("no more calls")


async def _never(_call: Call) -> Answer:
    await asyncio.sleep(30)
    return Answer(200)


def test_throughput_over_time() -> None:
    """Answers count in the slot in which they arrived, latencies in that in which their calls were due."""
    recorder = Recorder(4)
    for outcome in outcomes_of([0.05, 0.15, 1.05], [1.5, 0.01, 0.01]):
        recorder.record(outcome)
    assert recorder.timeline.width == 0.1
    assert {number: slot.answers for number, slot in recorder.timeline.slots.items() if slot.answers} == {
        15: 1, 1: 1, 10: 1,
    }  # fmt: skip
    assert recorder.timeline.slots[0].response.percentile(100) == pytest.approx(1.5, rel=1e-2)
    assert recorder.elapsed == pytest.approx(1.55)


@pytest.mark.parametrize(
    ("answer", "errors", "counted"),
    [(Answer(204), {}, 1), (Answer(404), {"status 404": 1}, 1), (Answer(503), {"status 503": 1}, 1),
     (Answer(failure=TIMEOUT), {"timeout": 1}, 1),
     (Answer(failure="connection refused"), {"connection refused": 1}, 0)],
)  # fmt: skip
def test_what_counts(answer: Answer, errors: dict[str, int], counted: int) -> None:
    """Errors are statuses from 400 on and failures; what failed at once says nothing of latency."""
    tally = Tally()
    tally.record(Outcome(CALLS[0], 0.0, 0.0, 0.5, answer))
    assert (dict(tally.errors), tally.response.count, tally.service.count) == (errors, counted, counted)
