"""How much of the contracts a suite exercises: operations, parameters, bodies, responses and branches of schemas.

``Recorder`` records calls and saves what it recorded, ``combine`` unites what was saved, by any number of processes
and runs, to a ``Coverage``, which is shown as a table, as JSON and as a page. All of it needs pymacaron.
"""

from __future__ import annotations

from .recording import Recorder
from .report import Coverage, combine
from .store import FOLDER, erase

__all__ = ["FOLDER", "Coverage", "Recorder", "combine", "erase"]
