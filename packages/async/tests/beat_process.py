"""A process with nothing but a beat: ``beat_process.py BROKER_URL SECONDS_THAT_ITS_CLOCK_IS_AHEAD``."""

from __future__ import annotations

import sys
import time
from datetime import datetime

from pymacaron.config import Config, set_config
from pymacaron_async import beat, schedule
from pymacaron_async.runtime import get_runtime


def shift_clock(seconds: float) -> None:
    """Let this process see another time than the others do."""
    real = time.time
    time.time = lambda: real() + seconds
    assert abs(time.time() - real() - seconds) < 1
    assert datetime.now().timestamp() - real() < 1  # what is written in C sees the host's clock


@schedule(every=1, name="each second")
def tick() -> None:
    """Do nothing."""


if __name__ == "__main__":
    set_config(Config({"name": "shop", "celery_broker_url": sys.argv[1], "async_publish_within": 0.5}))
    shift_clock(float(sys.argv[2]))
    beat.start(get_runtime())
    sys.stdout.write("started\n")
    sys.stdout.flush()
    sys.stdin.read()
