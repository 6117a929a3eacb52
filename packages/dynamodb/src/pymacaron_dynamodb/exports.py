"""All items of a table as lines of a file; see :mod:`.item_lines`."""

from __future__ import annotations

import gzip
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from .database import units_of
from .exceptions import FileUnusable
from .item_lines import open_error, to_line
from .progress import bar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .attributes import Item
    from .database import Database
    from .live_tables import LiveTable
    from .progress import Progress
    from .rates import RateLimit

#: The name that stands for standard output and input.
STANDARD = "-"
_PAGE = 1000


def export_table(
    database: Database, table: LiveTable, path: str, progress: Progress, rate: RateLimit | None = None
) -> int:
    """Write all items of a table into a file, and return how many there are.

    Each item is as it was at some moment of the export, and every item that was there all the time is in the file. The
    file has its name only when it is complete; one that ends with ``.gz`` is compressed.

    Raises:
        FileUnusable: the file is there already, or cannot be written.
        PyMacaronException: DynamoDB fails.
    """
    count = 0
    with _target(path) as file:
        for items in _pages(database, table.name, rate):
            file.write(b"".join(map(to_line, items)))
            count += len(items)
            progress.show(f"{table.name}: {bar(count, table.items)}{count:,} items")
    progress.clear()
    return count


def _pages(database: Database, table: str, rate: RateLimit | None) -> Iterator[list[Item]]:
    limit = _PAGE if rate is None else rate.page(_PAGE)
    arguments: dict[str, Any] = {"TableName": table, "ConsistentRead": True, "Limit": limit}
    while True:
        answer = database.call("Scan", dict(arguments))
        yield answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return
        arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        if rate is not None and "ConsumedCapacity" in answer:
            rate.take(units_of(answer["ConsumedCapacity"]))


@contextmanager
def _target(path: str) -> Iterator[IO[bytes]]:
    """Open what is written to; a file gets its name at the end of the block, and is not left behind by an error."""
    if path == STANDARD:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    target = Path(path)
    if target.exists() and not target.is_file():  # a pipe or a device has no end at which it could be renamed
        part = target
    elif target.exists():
        raise FileUnusable(f"{path}: it is there already; name another file, or delete it")
    else:
        part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as raw, _packed(raw, path) as file:
            yield file
            file.flush()
            if part is not target:
                os.fsync(raw.fileno())
        if part is not target:
            part.replace(target)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise open_error(path, error) from None
    finally:
        if part is not target:
            part.unlink(missing_ok=True)


def _packed(raw: IO[bytes], path: str) -> Any:
    return gzip.GzipFile("", "wb", 6, raw, mtime=0) if path.endswith(".gz") else raw
