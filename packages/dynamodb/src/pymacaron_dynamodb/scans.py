"""Scans: all objects of a table, read by several threads where there are many."""

from __future__ import annotations

from collections import deque
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeVar

from .conditions import Expression
from .database import units_of
from .exceptions import QueryInvalid
from .projections import Projection
from .queries import consistency, read_filter
from .rates import RateLimit
from .results import LARGEST, Page, Reading, Results

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from .attributes import Item
    from .binding import Binding
    from .conditions import OnlyIf

T = TypeVar("T")

#: Requests that one scan has under way at most, each in a thread of its own.
THREADS = 16
#: Segments that DynamoDB takes (API reference, Scan).
_MOST = 1_000_000


def scan(
    binding: Binding,
    *,
    filter: OnlyIf | None = None,
    index: str | None = None,
    limit: int | None = None,
    consistent: bool | None = None,
    properties: Sequence[str] | None = None,
    segments: int = 1,
    rate: float | RateLimit | None = None,
    cursor: str | None = None,
) -> Results[Any]:
    """See :meth:`pymacaron_dynamodb.PersistentSwaggerObject.scan`."""
    found = binding.definition.index(index) if index is not None else None
    is_consistent = consistency(binding, found, consistent, False)
    projection = Projection(binding, found, properties, is_consistent)
    expression = Expression().add("FilterExpression", read_filter(binding, filter, projection))
    arguments = binding.request(**expression.arguments(), ConsistentRead=is_consistent)
    if found is not None:
        arguments["IndexName"] = found.name
    names = arguments.get("ExpressionAttributeNames", {})
    limiter = RateLimit(rate) if isinstance(rate, (int, float)) else rate
    reading = Reading(binding, "Scan", arguments, projection.keys, projection.arguments(names), rate=limiter)
    _check_segments(segments)
    if segments == 1:
        return Results(reading, projection.make, limit, cursor)
    return ParallelScan(reading, projection.make, limit, cursor, segments)


class ParallelScan(Results[T]):
    """Objects of a table that several threads read, in no order.

    Whoever iterates is the only one to take from the rate and to make objects; threads do nothing but send requests.
    Ending the iteration early ends them.
    """

    def __init__(
        self,
        reading: Reading,
        make: Callable[[Iterable[Item]], Iterator[T]],
        limit: int | None,
        cursor: str | None,
        segments: int,
    ) -> None:
        if cursor is not None:
            raise QueryInvalid(f"a scan of {segments} segments has no order, and so no cursors; leave segments out")
        super().__init__(reading, make, limit)
        self._segments = segments
        self._threads = min(segments, THREADS)
        # What all threads have under way at once is to be soon paid for.
        self._size = None if reading.rate is None else max(1, reading.rate.page(LARGEST) // self._threads)
        self._rate = reading.rate
        self._unlimited = replace(reading, rate=None)

    def __iter__(self) -> Iterator[T]:
        answers = self._answers()
        try:
            items = chain.from_iterable(answer["Items"] for answer in answers)
            yield from self._make(islice(items, self._limit))
        finally:
            answers.close()

    def page(self, limit: int | None = None, cursor: str | None = None) -> Page[T]:
        """Refuse: there is no order.

        Raises:
            QueryInvalid: always.
        """
        raise QueryInvalid(f"a scan of {self._segments} segments has no order, and so no pages; leave segments out")

    def count(self) -> int:
        """Return how many objects there are, up to the limit."""
        found = 0
        answers = self._answers(Select="COUNT")
        for answer in answers:
            found += int(answer["Count"])
            if self._limit is not None and found >= self._limit:
                answers.close()
                return self._limit
        return found

    def _answers(self, **more: Any) -> Generator[dict[str, Any], None, None]:
        """Yield DynamoDB's answers as they come; of each segment one request is under way, or none."""
        waiting = deque(range(self._segments))
        with ThreadPoolExecutor(self._threads, "pym-scan") as pool:

            def send(segment: int, start: Item | None = None) -> Future[tuple[int, dict[str, Any]]]:
                return pool.submit(copy_context().run, self._read, segment, start, more)

            running = {send(waiting.popleft()) for _ in range(self._threads)}
            try:
                while running:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        segment, answer = future.result()
                        if self._rate is not None:
                            self._rate.take(units_of(answer.get("ConsumedCapacity", {})))
                        if "LastEvaluatedKey" in answer:
                            running.add(send(segment, answer["LastEvaluatedKey"]))
                        elif waiting:
                            running.add(send(waiting.popleft()))
                        yield answer
            finally:
                pool.shutdown(cancel_futures=True)

    def _read(self, segment: int, start: Item | None, more: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        place = {"Segment": segment, "TotalSegments": self._segments}
        return segment, self._unlimited.read(start, self._size, **place, **more)


def _check_segments(segments: Any) -> None:
    if isinstance(segments, bool) or not isinstance(segments, int) or not 1 <= segments <= _MOST:
        raise QueryInvalid(f"a scan of {segments!r} segments; write a whole number from 1 to {_MOST:,}")
