"""Items of a file, as :mod:`.exports` writes it, put into a table."""

from __future__ import annotations

import gzip
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

from pymacaron.exceptions import PyMacaronException

from .database import units_of
from .exceptions import FileUnusable, StoredItemInvalid
from .exports import STANDARD
from .failures import ConditionalCheckFailed
from .item_lines import LONGEST, NotAnItem, check_keys, from_line, open_error, to_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .attributes import Item
    from .binding import Binding
    from .progress import Progress
    from .rates import RateLimit

_THREADS = 8
#: Lines that are read before they are written together.
_CHUNK = 128


@dataclass(frozen=True)
class Options:
    """How items are imported.

    Attributes:
        start_line: the first line that is imported; lines are counted from 1.
        overwrite: whether items that are there are replaced, even newer ones.
        unchecked: whether items are imported that do not follow their schema.
        rewrite: whether items are written as today's code would save them, and not as they are.
        dry_run: whether the lines are only checked.
    """

    start_line: int = 1
    overwrite: bool = False
    unchecked: bool = False
    rewrite: bool = False
    dry_run: bool = False


@dataclass
class Report:
    """What an import did.

    Attributes:
        written: items that were put into the table; in a dry run, lines that are right.
        same: items that were there already as they are in the file.
        kept: the keys of items that are there otherwise, as new or newer, and were left.
    """

    written: int = 0
    same: int = 0
    kept: list[str] = field(default_factory=list)

    @property
    def lines(self) -> int:
        """The lines that were read."""
        return self.written + self.same + len(self.kept)


class Import:
    """One import into a table.

    An item that is there is replaced only where the table has a version and the file's is newer. So a file can be
    imported again, from any line on, as often as it takes.

    Args:
        path: of the file; compressed where it ends with ``.gz``; ``-`` for standard input.
    """

    def __init__(
        self, binding: Binding, path: str, options: Options, progress: Progress, rate: RateLimit | None = None
    ) -> None:
        self.binding = binding
        self.path = path
        self.options = options
        self.progress = progress
        self.rate = rate
        self.report = Report()

    def run(self) -> Report:
        """Import the items.

        Raises:
            FileUnusable: the file cannot be read, or a line holds no item of the table: all lines before it are done.
            PyMacaronException: DynamoDB fails, or refuses an item.
        """
        with _source(self.path) as file, ThreadPoolExecutor(_THREADS) as threads:
            lines = self._lines(file)
            while chunk := list(islice(lines, _CHUNK)):
                items, broken = self._read(chunk)
                self._write_all(items, threads)
                if broken is not None:
                    raise broken
                self.progress.show(f"{self.binding.table}: {self.report.lines:,} lines")
        self.progress.clear()
        return self.report

    def _lines(self, file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
        """Yield the lines that are to be imported, with their numbers."""
        number = 0
        try:
            while line := file.readline(LONGEST):
                number += 1
                if number >= self.options.start_line and line.strip():
                    yield number, line
        except (OSError, EOFError) as error:
            raise FileUnusable(f"{self.path}: cannot be read after line {number}: {error}") from None

    def _read(self, lines: Iterable[tuple[int, bytes]]) -> tuple[list[tuple[int, Item]], FileUnusable | None]:
        """Return the items of lines up to the first that has none, and what is wrong with that one."""
        items = []
        for number, line in lines:
            try:
                items.append((number, self._item(line)))
            except (NotAnItem, PyMacaronException) as error:
                return items, self._stopped(number, str(error))
        return items, None

    def _item(self, line: bytes) -> Item:
        if len(line) >= LONGEST:
            raise NotAnItem(f"it has {LONGEST:,} characters or more; no item is that long")
        item = from_line(line)
        if self.options.rewrite:
            obj = self.binding.codec.decode(item)
            item = self.binding.codec_of(type(obj)).encode(obj)
        check_keys(item, self.binding.definition)
        if not self.options.rewrite and not self.options.unchecked:
            try:
                self.binding.codec.decode(item)
            except StoredItemInvalid as error:
                raise NotAnItem(f"{error.message}; --unchecked imports it as it is") from None
        return item

    def _stopped(self, number: int, why: str) -> FileUnusable:
        done = "the lines before it are right" if self.options.dry_run else "the lines before it are imported"
        go_on = "" if self.path == STANDARD else f"; mend it and go on with --start-line {number}"
        return FileUnusable(f"{self.path}, line {number}: {why}; {done}{go_on}")

    def _write_all(self, items: list[tuple[int, Item]], threads: ThreadPoolExecutor) -> None:
        if self.options.dry_run:
            self.report.written += len(items)
            return
        # Lines with one key are written in their order.
        groups: dict[str, list[tuple[int, Item]]] = {}
        for number, item in items:
            groups.setdefault(self.binding.codec.describe_key(item), []).append((number, item))
        results = list(threads.map(self._write_group, groups.values()))
        failed = min((found for _, found in results if found is not None), key=lambda found: found[0], default=None)
        for outcomes, _ in results:
            for outcome, item in outcomes:
                self._count(outcome, item)
        if failed is not None:
            raise self._stopped(*failed)

    def _write_group(self, group: list[tuple[int, Item]]) -> tuple[list[tuple[str, Item]], tuple[int, str] | None]:
        """Write items one after another; return what became of them, and the line and reason of one that failed."""
        outcomes = []
        for number, item in group:
            try:
                outcomes.append((self._write(item), item))
            except PyMacaronException as error:
                return outcomes, (number, error.message)
        return outcomes, None

    def _write(self, item: Item) -> str:
        condition = {} if self.options.overwrite else self._is_older(item)
        try:
            answer = self.binding.database.call("PutItem", self.binding.request(Item=item, **condition))
        except ConditionalCheckFailed as error:
            return "same" if error.item is not None and to_line(error.item) == to_line(item) else "kept"
        if self.rate is not None and "ConsumedCapacity" in answer:
            self.rate.take(units_of(answer["ConsumedCapacity"]))
        return "written"

    def _is_older(self, item: Item) -> dict[str, Any]:
        """Return the condition that there is no item of the key, or one with a lower version."""
        definition = self.binding.definition
        names = {"#key": definition.hash}
        made: dict[str, Any] = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD", "ExpressionAttributeNames": names}
        if definition.version is None or "N" not in item.get(definition.version, {}):
            return {**made, "ConditionExpression": "attribute_not_exists(#key)"}
        names["#version"] = definition.version
        made["ExpressionAttributeValues"] = {":version": item[definition.version]}
        older = "attribute_not_exists(#key) OR attribute_not_exists(#version) OR #version < :version"
        return {**made, "ConditionExpression": older}

    def _count(self, outcome: str, item: Item) -> None:
        if outcome == "written":
            self.report.written += 1
        elif outcome == "same":
            self.report.same += 1
        else:
            self.report.kept.append(self.binding.codec.describe_key(item))


@contextmanager
def _source(path: str) -> Iterator[IO[bytes]]:
    if path == STANDARD:
        yield sys.stdin.buffer
        return
    try:
        file: Any = gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb")  # noqa: PTH123, SIM115
    except OSError as error:
        raise open_error(path, error) from None
    with file:
        yield file
