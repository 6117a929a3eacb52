"""One run: what is called, how, and what came of it."""

from __future__ import annotations

import asyncio
import gc
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .calls import mixed
from .client import Client
from .generator import Generator
from .report import Report
from .sampling import Sampler
from .tally import Recorder, total

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..contracts import Contracts
    from .calls import Call
    from .outcome import Outcome
    from .schedule import Schedule


def run(
    target: str,
    calls: Sequence[Sequence[Call]],
    contracts: Contracts,
    schedule: Schedule,
    *,
    limit: int,
    timeout: float,
    verify: bool = True,
) -> Report:
    """Send calls on a schedule and report; ^C ends it early, and then it reports too.

    Args:
        target: what is called, for the report.
        calls: by operation.
        contracts: that sampled answers are checked against.
        schedule: when calls are due.
        limit: how many may be under way at once.
        timeout: seconds until a call is given up.
        verify: whether certificates are verified.
    """
    recorder = Recorder(schedule.duration)
    sampler = Sampler(contracts, seed=schedule.seed)

    def record(outcome: Outcome) -> None:
        if outcome.due >= 0:
            recorder.record(outcome)
            sampler.offer(outcome)

    async def send_all() -> Generator:
        async with Client(timeout, verify) as client:
            endless = mixed(calls, schedule.seed)
            generator = Generator(schedule, endless, client.send, record, limit, timeout)
            with _interrupts(generator):
                await generator.run()
        return generator

    with _collected():
        generator = asyncio.run(send_all())
    planned = 0.0 if generator.interrupted or schedule.is_cut else schedule.duration
    return Report(
        target=target,
        schedule=schedule,
        elapsed=max(recorder.elapsed, planned),
        limit=limit,
        timeout=timeout,
        total=total(recorder.operations.values()),
        operations=recorder.operations,
        timeline=recorder.timeline,
        samples=sampler.check(),
        interrupted=generator.interrupted,
        unfinished=generator.unfinished,
    )


@contextmanager
def _interrupts(generator: Generator) -> Iterator[None]:
    """Let ^C and a polite kill end the run, not the report."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)
    try:
        for number in numbers:
            loop.add_signal_handler(number, generator.stop)
    except (RuntimeError, ValueError, NotImplementedError):
        # Not in the main thread, or no such system: then signals are somebody else's.
        yield
        return
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


@contextmanager
def _collected() -> Iterator[None]:
    """Keep the garbage collector from walking over everything there is already, in the middle of a measurement."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
