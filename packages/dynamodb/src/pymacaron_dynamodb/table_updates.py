"""Tables brought to what a contract says: created, or changed in place, one step at a time.

After each step the table is looked at again, and what is then left to do is worked out anew. So it does no harm that
another process does the same at the same time, or that one ended halfway.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .definition import ON_DEMAND, Throughput
from .exceptions import DatabaseError, DatabaseThrottled, DatabaseUnavailable, TableBusy, TablesDiffer
from .live_tables import read_table
from .plans import Change, Kind, TablePlan, grown, plan_table
from .progress import Progress
from .tables import create_table, encryption_description, index_description, throughput_description

if TYPE_CHECKING:
    from .binding import Binding
    from .live_tables import LiveTable

#: By these words DynamoDB says that the TTL of a table was changed within the last hour.
_TTL_TOO_SOON = "multiple times"


@dataclass
class Watch:
    """How a change is waited for.

    Attributes:
        within: seconds that one step may take; the index of a large table takes hours.
        every: seconds between two looks.
    """

    within: float = 3600.0
    every: float = 2.0
    progress: Progress = field(default_factory=Progress)


@dataclass
class Outcome:
    """What became of a table.

    Attributes:
        done: the changes that were made.
        postponed: those that DynamoDB takes only later, with the reason as their mend.
    """

    table: str
    done: list[Change] = field(default_factory=list)
    postponed: list[Change] = field(default_factory=list)


def bring_up_to_date(binding: Binding, watch: Watch) -> Outcome:
    """Create a table where it is missing, and make every change that can be made in place.

    What cannot be is left as it is.

    Raises:
        TablesDiffer: DynamoDB did not finish a step in time; it goes on, and so does the next call of this function.
        PyMacaronException: DynamoDB refuses a step.
    """
    return _Update(binding, watch).run()


class _Update:
    def __init__(self, binding: Binding, watch: Watch) -> None:
        self.binding = binding
        self.watch = watch
        self.outcome = Outcome(binding.table)
        self._tried: Change | None = None
        self._until = 0.0

    def run(self) -> Outcome:
        plan, live = self._settle()
        while change := self._next(plan):
            self._begin(change)
            taken = self._make(change, live)
            plan, live = self._settle(change if taken else None)
            if taken:
                self.outcome.done.append(change)
        self.watch.progress.clear()
        return self.outcome

    def _begin(self, change: Change) -> None:
        """Say what is tried, and stop where DynamoDB has not taken it for too long."""
        if change != self._tried:
            self._tried, self._until = change, time.monotonic() + self.watch.within
            self.watch.progress.say(f"{self.binding.table}: {change}")
        self._check(self._until, f"DynamoDB has not taken the change {change}")

    def _next(self, plan: TablePlan) -> Change | None:
        later = {change.what for change in self.outcome.postponed}
        return next((change for change in plan.to_do if change.what not in later), None)

    def _look(self) -> tuple[TablePlan, LiveTable | None]:
        live = read_table(self.binding.database, self.binding.table)
        return plan_table(self.binding, live), live

    def _settle(self, made: Change | None = None) -> tuple[TablePlan, LiveTable | None]:
        """Wait until DynamoDB works on the table no more, and shows a change that was made."""
        started = time.monotonic()
        while True:
            plan, live = self._look()
            if live is not None and live.is_lost:
                return plan, live
            waits = live.waits_for if live is not None else "it is not there yet" if made else None
            if waits is None and made not in plan.to_do:
                return plan, live
            waits = waits or "DynamoDB does not show the change yet"
            self._check(started + self.watch.within, waits)
            self.watch.progress.show(f"{self.binding.table}: {waits} ({time.monotonic() - started:.0f} s)")
            time.sleep(self.watch.every)

    def _check(self, until: float, waits: str) -> None:
        if time.monotonic() >= until:
            raise TablesDiffer(
                f"{self.binding.table}: {waits} after {self.watch.within:g} s; DynamoDB goes on with what it has begun,"
                " and pym db update goes on from there: run it again, with a longer --within where the table is large"
            )

    def _make(self, change: Change, live: LiveTable | None) -> bool:
        """Ask DynamoDB for a change; return whether it took it."""
        try:
            if live is None:
                create_table(self.binding)
            else:
                self.binding.database.call(*_request(self.binding, change, live))
        except (TableBusy, DatabaseThrottled):
            time.sleep(self.watch.every)
            return False
        except (DatabaseError, DatabaseUnavailable) as error:
            if change.what == "ttl" and _TTL_TOO_SOON in error.message:
                self._postpone(change)
            elif change in self._look()[0].to_do:  # else another process made the change meanwhile
                raise
            return False
        return True

    def _postpone(self, change: Change) -> None:
        reason = "DynamoDB takes one change of a table's TTL within an hour: run pym db update again after that"
        self.outcome.postponed.append(Change(change.kind, change.what, change.live, change.wanted, reason))


def _request(binding: Binding, change: Change, live: LiveTable) -> tuple[str, dict[str, Any]]:
    """Return the call that makes a change."""
    definition, what = binding.definition, change.what
    specification: dict[str, Any]
    if what == "ttl":
        # Another attribute needs two changes, the first of which takes the old one away.
        enabled = change.kind == Kind.ADD
        name = definition.ttl_attribute if enabled else live.ttl_attribute
        specification = {"Enabled": enabled, "AttributeName": name}
        return "UpdateTimeToLive", binding.request(TimeToLiveSpecification=specification)
    if what == "point-in-time recovery":
        specification = {"PointInTimeRecoveryEnabled": True}
        return "UpdateContinuousBackups", binding.request(PointInTimeRecoverySpecification=specification)
    if what == "deletion protection":
        return "UpdateTable", binding.request(DeletionProtectionEnabled=True)
    if what == "encryption":
        return "UpdateTable", binding.request(SSESpecification=encryption_description(str(definition.encryption)))
    if what == "billing":
        return "UpdateTable", binding.request(**_billing(definition.billing, live))
    return "UpdateTable", binding.request(**_index(binding, what, live))


def _billing(billing: str | Throughput, live: LiveTable) -> dict[str, Any]:
    if not isinstance(billing, Throughput):
        return {"BillingMode": "PAY_PER_REQUEST"}
    if live.throughput is not None:
        return {"ProvisionedThroughput": throughput_description(_grown(live.throughput, billing))}
    made: dict[str, Any] = {"BillingMode": "PROVISIONED", "ProvisionedThroughput": throughput_description(billing)}
    indexes = [_capacity(index.name, billing) for index in live.indexes.values() if not index.local]
    return {**made, "GlobalSecondaryIndexUpdates": indexes} if indexes else made


def _index(binding: Binding, what: str, live: LiveTable) -> dict[str, Any]:
    """Return the arguments that create an index, or give it more capacity."""
    definition = binding.definition
    index = definition.index(what.removeprefix("billing of ").removeprefix("index "))
    if index.name in live.indexes:
        assert isinstance(definition.billing, Throughput)
        billing = _grown(live.indexes[index.name].throughput, definition.billing)
        return {"GlobalSecondaryIndexUpdates": [_capacity(index.name, billing)]}
    types = {**live.types, **{name: definition.key_types[name] for name in index.keys}}
    billing_now = definition.billing if live.throughput is not None else ON_DEMAND
    return {
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()],
        "GlobalSecondaryIndexUpdates": [{"Create": index_description(index, billing_now)}],
    }


def _grown(found: tuple[int, int], wanted: Throughput) -> Throughput:
    return Throughput(*grown(found, (wanted.read, wanted.write)))


def _capacity(name: str, billing: Throughput) -> dict[str, Any]:
    return {"Update": {"IndexName": name, "ProvisionedThroughput": throughput_description(billing)}}
