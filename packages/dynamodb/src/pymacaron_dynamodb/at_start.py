"""The tables of a service that starts, where ``dynamodb_create_tables`` asks for them; else nothing is asked."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from .binding import all_bindings
from .database import database
from .live_tables import read_table
from .plans import plan_table
from .progress import Progress
from .settings import read_settings
from .table_updates import Watch, bring_up_to_date

if TYPE_CHECKING:
    from pymacaron.config import Config

    from .binding import Binding

log = logging.getLogger("pymacaron.dynamodb")

#: Seconds that a start waits for one table.
_WITHIN = 120.0
_EVERY = 0.25


def prepare_tables(config: Config) -> None:
    """Create the tables that are missing; on a private engine, change the others in place too.

    Several processes may do so at the same time. What cannot be changed in place is logged.

    Raises:
        TableConfigError: a setting or a table's definition is wrong.
        PyMacaronException: a table cannot be created.
    """
    settings = read_settings(config)
    if not settings.create_tables:
        return
    watch = Watch(_WITHIN, _EVERY, Progress(quiet=True))
    for binding in all_bindings():
        live = read_table(database(), binding.table)
        if live is None or live.status == "CREATING" or settings.embedded:
            bring_up_to_date(binding, watch)
        _warn(binding, settings.embedded)


def _warn(binding: Binding, embedded: bool) -> None:
    """Log what is left between a table and its definition."""
    plan = plan_table(binding, read_table(database(), binding.table))
    if plan.differs:
        shown = "; ".join(str(change) for change in [*plan.impossible, *plan.to_do])
        mend = "delete .pym/dynamodb to begin anew" if embedded and plan.impossible else "see pym db plan"
        log.warning("the table %s is not as the contract has it; %s: %s", plan.table, mend, shown)
