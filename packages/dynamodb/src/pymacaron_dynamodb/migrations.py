"""All items of a table brought to today's form, by ``upgrade``, while others read and write them.

What was done is kept page by page in a file, so that a migration that ended early goes on where it was. Doing a page a
second time does no harm: its items have today's form, and are not even read.
"""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pymacaron.exceptions import PyMacaronException

from .database import units_of
from .definition import ITEM_VERSION
from .failures import ConditionalCheckFailed
from .items import item_version
from .progress import bar
from .renewals import renewal, renewed

if TYPE_CHECKING:
    from .attributes import Item
    from .binding import Binding
    from .checkpoints import Checkpoint, Segment
    from .progress import Progress
    from .rates import RateLimit

#: Items that one request reads at most, between two looks at the rate and two entries in the file.
PAGE = 500
#: How many differences a dry run shows.
SHOWN = 5
_COUNTED = ("read", "migrated", "overtaken")
_TRIES = 20
_PAUSE = 0.02


@dataclass
class Report:
    """What a migration did.

    Attributes:
        read: items of the table that were looked at.
        migrated: items that have today's form now; in a dry run, those that would.
        overtaken: items that somebody else wrote in today's form, or deleted, meanwhile.
        failed: items that were left as they are: why, by their keys.
        samples: the first items of a dry run, before and after.
    """

    read: int = 0
    migrated: int = 0
    overtaken: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    samples: list[tuple[Item, Item]] = field(default_factory=list)


class Migration:
    """One migration of a table.

    Args:
        checkpoint: how far it is; it has the segments that are read at the same time.
        rate: of capacity units; None for no limit.
        dry_run: whether nothing is written.
        total: about how many items the table has, for the progress; 0 where it is not known.
    """

    def __init__(
        self,
        binding: Binding,
        checkpoint: Checkpoint,
        progress: Progress,
        rate: RateLimit | None = None,
        dry_run: bool = False,
        total: int = 0,
    ) -> None:
        self.binding = binding
        self.checkpoint = checkpoint
        self.progress = progress
        self.rate = rate
        self.dry_run = dry_run
        self.total = total
        counts = checkpoint.counts
        read, migrated, overtaken = (counts.get(name, 0) for name in _COUNTED)
        self.report = Report(read, migrated, overtaken, checkpoint.failed)
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    def run(self) -> Report:
        """Migrate what is left to be migrated.

        Raises:
            PyMacaronException: DynamoDB fails, or the file cannot be written. What was done is kept.
        """
        parts = [(number, each) for number, each in enumerate(self.checkpoint.segments) if not each.done]
        with ThreadPoolExecutor(len(parts) or 1) as threads:
            waiting = {threads.submit(self._migrate_segment, number, part) for number, part in parts}
            try:
                while waiting:
                    done, waiting = wait(waiting, timeout=0.2, return_when=FIRST_EXCEPTION)
                    for each in done:
                        each.result()
                    self.progress.show(self._shown())
            finally:
                self._stopping.set()
        self.progress.clear()
        return self.report

    def _shown(self) -> str:
        report = self.report
        return (
            f"{self.binding.table}: {bar(report.read, self.total)}{report.read:,} items read,"
            f" {report.migrated:,} migrated, {len(report.failed):,} failed"
        )

    def _migrate_segment(self, number: int, segment: Segment) -> None:
        while not segment.done and not self._stopping.is_set():
            answer = self._call("Scan", self._arguments(number, segment))
            for item in answer["Items"]:
                if self._stopping.is_set():
                    return
                self._migrate(item)
            with self._lock:
                self.report.read += answer.get("ScannedCount", len(answer["Items"]))
                segment.start = answer.get("LastEvaluatedKey")
                segment.done = segment.start is None
                self.checkpoint.counts = {name: getattr(self.report, name) for name in _COUNTED}
                self.checkpoint.save()

    def _arguments(self, number: int, segment: Segment) -> dict[str, Any]:
        made = self.binding.request(
            FilterExpression="attribute_not_exists(#form) OR #form < :form",
            ExpressionAttributeNames={"#form": ITEM_VERSION},
            ExpressionAttributeValues={":form": {"N": str(self.binding.definition.item_version)}},
            ConsistentRead=True,
            Limit=PAGE if self.rate is None else self.rate.page(PAGE),
            Segment=number,
            TotalSegments=len(self.checkpoint.segments),
        )
        return {**made, "ExclusiveStartKey": segment.start} if segment.start is not None else made

    def _migrate(self, item: Item) -> None:
        """Bring one item to today's form, however often others write it meanwhile."""
        found: Item | None = item
        for attempt in range(_TRIES):
            if found is None or item_version(found) >= self.binding.definition.item_version:
                self._count("overtaken")
                return
            if self._try(found):
                return
            time.sleep(random.uniform(0, _PAUSE * (attempt + 1)))
            key = {name: item[name] for name in self.binding.definition.keys}
            found = self._call("GetItem", self.binding.request(Key=key, ConsistentRead=True)).get("Item")
        self._fail(item, f"it was written by others {_TRIES} times while it was to be migrated; run it again")

    def _try(self, item: Item) -> bool:
        """Migrate an item as it was read; return whether nothing more is to be done for it."""
        try:
            made = renewed(self.binding, item)
            request = renewal(self.binding, item, made)
        except PyMacaronException as error:
            self._fail(item, error.message)
            return True
        except Exception as error:  # noqa: BLE001  # upgrade is the service's code, and one item must not end it all
            self._fail(item, f"upgrade failed: {type(error).__name__}: {error}")
            return True
        if self.dry_run:
            with self._lock:
                self.report.samples += [(item, made)] if len(self.report.samples) < SHOWN else []
        else:
            try:
                self._call("UpdateItem", request)
            except ConditionalCheckFailed:
                return False
        self._count("migrated")
        return True

    def _call(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        answer = self.binding.database.call(operation, arguments)
        if self.rate is not None and "ConsumedCapacity" in answer:
            self.rate.take(units_of(answer["ConsumedCapacity"]))
        return answer

    def _count(self, what: str) -> None:
        with self._lock:
            setattr(self.report, what, getattr(self.report, what) + 1)

    def _fail(self, item: Item, why: str) -> None:
        with self._lock:
            self.report.failed[self.binding.codec.describe_key(item)] = why
