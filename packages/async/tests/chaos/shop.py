"""A service whose tasks leave traces: each effect is a line of a file, with the run and the process that had it."""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workers import open_runtime, write_service

if TYPE_CHECKING:
    from pathlib import Path

    from pymacaron_async.runtime import Runtime

CONTRACT = """
    openapi: 3.1.0
    info: {title: Shop, version: 0.1.0}
    paths:
      /ping:
        get:
          operationId: greet
          responses: {"200": {description: It is there}}
"""

#: Tasks that have an effect between two pauses. ``pay`` hands its key to a store of effects that honours it.
HANDLERS = '''
    """Handlers and tasks of a shop."""

    import json
    import os
    import time
    from pathlib import Path

    from pymacaron_async import asynctask, task

    HERE = Path(__file__).parent


    def greet():
        return {}


    def note(number):
        line = {"number": number, "id": task.id, "attempt": task.attempt, "run": task.deliveries, "pid": os.getpid()}
        file = os.open(HERE / "effects", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, json.dumps(line).encode() + b"\\n")
        os.close(file)


    @asynctask
    def ship(number, before=0.0, after=0.0):
        time.sleep(before)
        note(number)
        time.sleep(after)


    @asynctask(idempotency_key=lambda number, *_: number)
    def pay(number, before=0.0, after=0.0):
        time.sleep(before)
        note(number)
        key = task.idempotency_key.replace("/", "_")
        try:
            with (HERE / "paid" / key).open("x") as file:
                file.write(str(number))
        except FileExistsError:
            pass
        time.sleep(after)


    @asynctask(max_retries=2, backoff=0.01)
    def fail(number):
        note(number)
        raise ValueError("it never works")
'''


@dataclass(frozen=True)
class Effect:
    """One effect of a task: which, in which run of it, and by which process."""

    number: int
    id: str
    attempt: int
    run: int
    pid: int


class Shop:
    """The folder of a service, the runtime that queues its tasks, and what they left behind."""

    def __init__(self, folder: Path, broker_url: str, **config: Any) -> None:
        self.folder = write_service(folder, broker_url, **config)
        (folder / "handlers.py").write_text(textwrap.dedent(HANDLERS).lstrip("\n"))
        (folder / "apis" / "shop.yaml").write_text(textwrap.dedent(CONTRACT).lstrip("\n"))
        (folder / "paid").mkdir()
        self.runtime: Runtime = open_runtime(folder)

    def effects(self) -> list[Effect]:
        """Return all effects so far."""
        path = self.folder / "effects"
        return [Effect(**json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []

    def runs(self, id: str) -> list[int]:
        """Return which runs of a task had its effect."""
        return [effect.run for effect in self.effects() if effect.id == id]

    def paid(self) -> list[int]:
        """Return what the store of effects took, a number for each key that it was handed."""
        return sorted(int(path.read_text()) for path in (self.folder / "paid").iterdir())

    def has_ended(self, id: str) -> bool:
        """Tell whether the end of a task is written."""
        record = self.runtime.store.get(id)
        return record is not None and record.has_ended

    def finished(self, effect: Effect) -> bool:
        """Tell whether the run that had an effect came to its end, and no other one did."""
        record = self.runtime.store.get(effect.id)
        return record is not None and record.has_ended and record.deliveries == effect.run
