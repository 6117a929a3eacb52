"""Handlers of apis/letters.yaml. The server and its worker are two processes: what both know lies in a file."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from pymacaron import add_error, apipool, get_userid
from pymacaron_async import asynctask, schedule, task

NobodyThere = add_error(name="NobodyThere", code="NOBODY_THERE", status=404)

LEDGER = Path(".pym/ledger.jsonl")
STAMPED = Path(".pym/stamped.txt")
SWEPT = Path(".pym/swept.txt")


def deliver(letter: Any) -> Any:
    """Carry a letter to its address; runs in a worker, as the caller."""
    if letter.to == "Nobody":
        raise NobodyThere(f"nobody of that name: {letter.to}")
    for stop in range(letter.stops):
        task.progress(stop, letter.stops, f"at stop {stop + 1}")
        time.sleep(0.05)
    receipt = apipool.letters.Receipt(
        id=UUID(task.id), to=letter.to, **{"from": get_userid(), "delivered": datetime.now(UTC)}
    )
    _note(LEDGER, json.dumps(receipt.to_json()))
    return receipt


def list_letters() -> list[Any]:
    """Return the receipts of delivered letters, each letter once however often its task ran."""
    found = {line["id"]: line for line in map(json.loads, _lines(LEDGER))}
    return list(found.values())


def stamp(letter_id: UUID, jammed: bool) -> dict[str, Any]:
    """Have a letter stamped by a worker."""
    return {"task": print_stamp(letter_id, jammed).id}


@asynctask(max_retries=2, backoff=0.2, unique_for=60)
def print_stamp(letter_id: UUID, jammed: bool) -> None:
    """Stamp a letter; two more tries, then it is among the dead: pym tasks dead list."""
    if jammed and not Path(".pym/mended").exists():
        raise RuntimeError("the stamping machine is jammed; mend it: touch .pym/mended")
    _note(STAMPED, str(letter_id))


@schedule(every=3600)
def sweep() -> None:
    """Sweep the office once an hour, however many workers there are."""
    _note(SWEPT, datetime.now(UTC).isoformat())


def _note(file: Path, line: str) -> None:
    file.parent.mkdir(exist_ok=True)
    with file.open("a", encoding="utf-8") as book:
        book.write(f"{line}\n")


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []
