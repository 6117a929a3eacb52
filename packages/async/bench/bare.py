"""The peer: Celery without us. Its worker is started with ``celery -A bare:app worker``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from celery import Celery

#: Celery's own settings but for the serializer's input, which is JSON by default on both sides.
AS_INSTALLED = {"task_ignore_result": True, "task_default_queue": "bare", "broker_connection_retry_on_startup": True}
#: What its documentation advises where tasks must not be lost; it is what we set, less the leases.
ACKS_LATE = {
    **AS_INSTALLED,
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "worker_prefetch_multiplier": 1,
    "task_default_queue": "bare-late",
}


def make(url: str, settings: dict[str, Any], folder: Path) -> Celery:
    """Make an app whose task does what ours does: it writes one octet to a file."""
    app = Celery("bare", broker=url, set_as_current=False)
    app.conf.update(settings)
    opened: list[int] = []

    @app.task(name="ship", shared=False)  # type: ignore[untyped-decorator]  # Celery has no types
    def ship(name: str) -> None:
        if not opened:
            opened.append(os.open(folder / "ran", os.O_WRONLY | os.O_APPEND | os.O_CREAT))
        os.write(opened[0], b".")

    return app


if "BENCH_BROKER" in os.environ:
    settings = ACKS_LATE if os.environ["BENCH_SETTINGS"] == "late" else AS_INSTALLED
    app = make(os.environ["BENCH_BROKER"], settings, Path.cwd())
