"""What a query or a scan finds, read lazily: all of it, a page of it, or how much it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .cursors import Cursors
from .database import units_of
from .exceptions import QueryInvalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .attributes import Item
    from .binding import Binding
    from .rates import RateLimit

T = TypeVar("T")

#: Objects of a page where nobody says how many.
PAGE = 50
#: Requests that one page may take; where a filter leaves little, it is then short, and its cursor leads on.
REQUESTS = 10
#: Items that one request asks for at most.
LARGEST = 20_000
# Each further request for a page with a filter may read so many times as many items.
_GROWTH = 4


@dataclass(frozen=True)
class Page(Generic[T]):
    """A page of a list.

    Attributes:
        items: its objects.
        cursor: what gives the next page; None where this is the last one.
    """

    items: list[T]
    cursor: str | None = None


@dataclass(frozen=True)
class Reading:
    """One query or scan as DynamoDB takes it, wherever it starts.

    Attributes:
        operation: ``Query`` or ``Scan``.
        arguments: of its requests, without those that say what of an item is read.
        projection: those that do.
        keys: the attributes that tell where an item stands.
        known: those of them that are the same for all items.
        rate: how fast it may consume capacity.
    """

    binding: Binding
    operation: str
    arguments: dict[str, Any]
    keys: tuple[str, ...]
    projection: dict[str, Any] = field(default_factory=dict)
    known: Item = field(default_factory=dict)
    rate: RateLimit | None = None

    @property
    def is_filtered(self) -> bool:
        """Whether DynamoDB reads items that it then leaves out."""
        return "FilterExpression" in self.arguments

    def read(self, start: Item | None = None, limit: int | None = None, **more: Any) -> dict[str, Any]:
        """Send one request.

        Args:
            start: the key of the item before the first one.
            limit: how many items are read, those that the filter leaves out included.
            more: arguments of the request.
        """
        arguments = {**self.arguments, **(more if "Select" in more else {**self.projection, **more})}
        if start is not None:
            arguments["ExclusiveStartKey"] = start
        if limit is not None:
            arguments["Limit"] = limit
        answer = self.binding.database.call(self.operation, arguments)
        if self.rate is not None:
            self.rate.take(units_of(answer.get("ConsumedCapacity", {})))
        return answer

    def answers(
        self, start: Item | None, wanted: int | None = None, most: int | None = None
    ) -> Iterator[dict[str, Any]]:
        """Yield DynamoDB's answers until there are no more items.

        Args:
            start: the key of the item before the first one.
            wanted: about how many items are wanted; with a filter, more are read with each request.
            most: how many requests are sent at most.
        """
        size = wanted
        sent = 0
        while size is None or size > 0:
            answer = self.read(start, self._at_once(size, most))
            yield answer
            sent += 1
            start = answer.get("LastEvaluatedKey")
            if start is None or sent == most:
                return
            if size is not None:
                size = min(size * _GROWTH, LARGEST) if self.is_filtered else size - len(answer["Items"])

    def _at_once(self, size: int | None, most: int | None) -> int | None:
        """Return how many items one request reads; None for as many as an answer can hold."""
        if self.rate is not None and most is None:
            return self.rate.page(LARGEST if size is None else size)
        return None if size is None else min(size, LARGEST)

    def position(self, item: Item) -> Item:
        """Return where an item stands."""
        return {name: item[name] for name in self.keys}

    def cursors(self) -> Cursors:
        """Return what makes the cursors of this list."""
        told = {name: value for name, value in self.arguments.items() if name != "ConsistentRead"}
        return Cursors(self.binding.database.settings.cursor_secret, (self.operation, told))


class Results(Generic[T]):
    """Objects that a query or a scan finds. Nothing is read before they are asked for, and then only as many as needed.

    Each iteration reads anew, in as many requests as there are pages of 1 MB in DynamoDB.

    Args:
        reading: what is read.
        make: turns items into objects.
        limit: how many objects there are at most, after the filter.
        cursor: of the page before.
    """

    def __init__(
        self,
        reading: Reading,
        make: Callable[[Iterable[Item]], Iterator[T]],
        limit: int | None = None,
        cursor: str | None = None,
    ) -> None:
        _check_limit(limit)
        self._reading = reading
        self._make = make
        self._limit = limit
        self._cursor = cursor

    def __iter__(self) -> Iterator[T]:
        answers = self._reading.answers(self._start(self._cursor), self._limit)
        items = (item for answer in answers for item in answer["Items"])
        return self._make(islice(items, self._limit))

    def page(self, limit: int | None = None, cursor: str | None = None) -> Page[T]:
        """Return one page, and the cursor of the next one.

        A page is full wherever there are enough objects, unless a filter leaves out so much that ten requests do not
        find them; then it is short, or even empty, and has a cursor nevertheless.

        Args:
            limit: how many objects it has; the query's own limit, or 50, where that is left out.
            cursor: of the page before; the query's own where that is left out.

        Raises:
            InvalidCursor: the cursor was changed, or is of another list.
        """
        _check_limit(limit)
        size = limit or self._limit or PAGE
        start = self._start(cursor or self._cursor)
        items: list[Item] = []
        # One more than needed, to know whether there is a next page.
        for answer in self._reading.answers(start, size + 1, REQUESTS):
            items += answer["Items"]
            start = answer.get("LastEvaluatedKey")
            if len(items) > size:
                items = items[:size]
                start = self._reading.position(items[-1])
                break
        return Page(list(self._make(items)), self._write(start))

    def count(self) -> int:
        """Return how many objects there are, up to the limit; DynamoDB reads and counts them, and sends none."""
        start = self._start(self._cursor)
        found = 0
        while True:
            answer = self._reading.read(start, Select="COUNT")
            found += int(answer["Count"])
            start = answer.get("LastEvaluatedKey")
            if self._limit is not None and found >= self._limit:
                return self._limit
            if start is None:
                return found

    def _start(self, cursor: str | None) -> Item | None:
        """Return the key of the item before the first one."""
        if cursor is None:
            return None
        return {**self._reading.cursors().read(cursor), **self._reading.known}

    def _write(self, start: Item | None) -> str | None:
        """Return the cursor of a position; what is the same for the whole list is left out of it."""
        if start is None:
            return None
        known = self._reading.known
        return self._reading.cursors().write({name: value for name, value in start.items() if name not in known})


def _check_limit(limit: Any) -> None:
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise QueryInvalid(f"the limit is {limit!r}; write a whole number from 1 on")
