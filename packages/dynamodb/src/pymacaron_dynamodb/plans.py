"""What is between the tables of a contract and those in DynamoDB, and what can be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from .definition import ALL, EXPIRY, IndexDefinition, Throughput
from .live_tables import ACTIVE, PASSING, LiveTable, read_table, table_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .binding import Binding
    from .database import Database
    from .definition import TableDefinition
    from .live_tables import LiveIndex

_NEW_TABLE = (
    "give it another table_name, run pym db create, and move the items with pym db export and pym db import --rewrite"
)
_NEW_INDEX = "add an index of another name, let queries use it, and delete this one yourself"


class Kind(StrEnum):
    """What a change is."""

    ADD = "add"
    CHANGE = "change"
    IMPOSSIBLE = "impossible"
    EXTRA = "extra"


SIGNS = {Kind.ADD: "+", Kind.CHANGE: "~", Kind.IMPOSSIBLE: "!", Kind.EXTRA: "?"}


@dataclass(frozen=True)
class Change:
    """One difference between a table and its definition.

    Attributes:
        kind: whether something is added, is changed in place, cannot be changed in place, or is there although no
            contract asks for it, and is left alone.
        what: the setting: ``table``, ``index by-owner``, ``ttl`` ...
        live: as it is; empty where there is nothing.
        wanted: as the contract has it.
        mend: what a person can do; empty where nothing needs to be done.
    """

    kind: Kind
    what: str
    live: str = ""
    wanted: str = ""
    mend: str = ""

    @property
    def is_done_by_update(self) -> bool:
        """Whether `pym db update` makes it."""
        return self.kind in (Kind.ADD, Kind.CHANGE)

    def __str__(self) -> str:
        if self.kind == Kind.EXTRA:
            return f"{SIGNS[self.kind]} {self.what}: {self.live}; {self.wanted or 'not in the contract, left alone'}"
        shown = f"{self.live} -> {self.wanted}" if self.live and self.wanted else self.wanted or self.live
        return f"{SIGNS[self.kind]} {self.what}: {shown}"


@dataclass(frozen=True)
class TablePlan:
    """The differences of one table.

    Attributes:
        table: its full name.
        model: the model that it belongs to.
        waits_for: what DynamoDB still works on; None where it is done.
    """

    table: str
    model: str
    exists: bool
    changes: tuple[Change, ...]
    waits_for: str | None = None

    @property
    def to_do(self) -> list[Change]:
        """The changes that `pym db create` and `pym db update` make."""
        return [change for change in self.changes if change.is_done_by_update]

    @property
    def impossible(self) -> list[Change]:
        """The changes that nobody can make in place."""
        return [change for change in self.changes if change.kind == Kind.IMPOSSIBLE]

    @property
    def differs(self) -> bool:
        """Whether the table is not as the contract has it."""
        return bool(self.to_do or self.impossible)


@dataclass(frozen=True)
class Plan:
    """The differences of all tables.

    Attributes:
        unknown: tables with the service's prefix that no contract has.
    """

    tables: tuple[TablePlan, ...]
    unknown: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether any table is not as the contract has it."""
        return any(table.differs for table in self.tables)

    @property
    def impossible(self) -> list[TablePlan]:
        """The tables with a change that nobody can make in place."""
        return [table for table in self.tables if table.impossible]


def make_plan(database: Database, bindings: Iterable[Binding]) -> Plan:
    """Compare the tables of bindings with those in DynamoDB.

    Raises:
        PyMacaronException: as :meth:`pymacaron_dynamodb.database.Database.call`.
    """
    bindings = list(bindings)
    tables = tuple(plan_table(binding, read_table(database, binding.table)) for binding in bindings)
    known = {binding.table for binding in bindings}
    # Without a prefix every table of the account would be listed.
    others = table_names(database) if database.settings.table_prefix else ()
    return Plan(tables, tuple(sorted(name for name in others if name not in known)))


def plan_table(binding: Binding, live: LiveTable | None) -> TablePlan:
    """Compare one table with its definition."""
    definition = binding.definition
    changes = list(_missing(definition) if live is None else _differences(binding, live))
    waits_for = live.waits_for if live is not None and not live.is_lost else None
    return TablePlan(binding.table, definition.model, live is not None, tuple(changes), waits_for)


def _missing(definition: TableDefinition) -> Iterator[Change]:
    shown = [_keys(definition.keys, definition.key_types), _billing(_units(definition))]
    shown += [f"index {index.name} ({_index(index, definition)})" for index in definition.indexes]
    shown += [f"ttl {definition.ttl_attribute}"] if definition.ttl_attribute else []
    shown += [f"encryption {definition.encryption}"] if definition.encryption else []
    shown += ["point-in-time recovery"] if definition.point_in_time_recovery else []
    shown += ["deletion protection"] if definition.deletion_protection else []
    yield Change(Kind.ADD, "table", wanted=", ".join(shown))


def _differences(binding: Binding, live: LiveTable) -> Iterator[Change]:
    definition = binding.definition
    if live.status != ACTIVE and live.status not in PASSING:
        mend = "see the table in AWS's console"
        yield Change(Kind.IMPOSSIBLE, "status", live=f"the table is {live.status}", mend=mend)
    elif live.status == "DELETING":
        mend = "wait until it is gone, and run pym db create"
        yield Change(Kind.IMPOSSIBLE, "status", live="the table is being deleted", mend=mend)
    if live.status in ("CREATING", "DELETING"):
        return
    yield from _table_keys(definition, live)
    yield from _capacity(definition, live)
    yield from _indexes(binding, live)
    yield from _expiry(definition, live)
    yield from _encryption(definition, live)
    yield from _switches(definition, live)


def _table_keys(definition: TableDefinition, live: LiveTable) -> Iterator[Change]:
    wanted = _keys(definition.keys, definition.key_types)
    found = _keys(live.keys, live.types)
    if wanted != found:
        yield Change(Kind.IMPOSSIBLE, "key", found, wanted, f"a table's key never changes: {_NEW_TABLE}")


def _capacity(definition: TableDefinition, live: LiveTable) -> Iterator[Change]:
    wanted, found = _units(definition), live.throughput
    if wanted is None or found is None:
        if wanted != found:
            yield Change(Kind.CHANGE, "billing", _billing(found), _billing(wanted))
        return
    reach = grown(found, wanted)
    if reach != found:
        yield Change(Kind.CHANGE, "billing", _billing(found), _billing(reach))
    if reach != wanted:
        left = f"the contract has {_billing(wanted)}; capacity is never taken away"
        yield Change(Kind.EXTRA, "billing", _billing(found), left)


def _indexes(binding: Binding, live: LiveTable) -> Iterator[Change]:
    definition, found = binding.definition, live.indexes
    for index in definition.indexes:
        what, there = f"index {index.name}", found.get(index.name)
        if there is None:
            yield _missing_index(binding, index, live)
            continue
        wanted, shown = _index(index, definition), _live_index(there, live)
        if wanted != shown:
            yield Change(Kind.IMPOSSIBLE, what, shown, wanted, f"an index never changes: {_NEW_INDEX}")
        units = _units(definition)
        if units is not None and live.throughput is not None and not index.local:
            reach = grown(there.throughput, units)
            if reach != there.throughput:
                yield Change(Kind.CHANGE, f"billing of {what}", _billing(there.throughput), _billing(reach))
    for name in sorted(set(found) - {index.name for index in definition.indexes}):
        yield Change(Kind.EXTRA, f"index {name}", _live_index(found[name], live))


def _missing_index(binding: Binding, index: IndexDefinition, live: LiveTable) -> Change:
    definition = binding.definition
    what, wanted = f"index {index.name}", _index(index, definition)
    if index.local:
        mend = f"a local index is there from the table's creation on: take local out, or {_NEW_TABLE}"
        return Change(Kind.IMPOSSIBLE, what, "none", wanted, mend)
    for name in index.keys:
        if live.types.get(name, definition.key_types[name]) != definition.key_types[name]:
            mend = f"an attribute has one type in all keys: delete the indexes with {name}, or {_NEW_TABLE}"
            return Change(Kind.IMPOSSIBLE, what, f"{name} is {live.types[name]}", wanted, mend)
    return Change(Kind.ADD, what, wanted=wanted, mend=_rewrite(binding, index))


def _rewrite(binding: Binding, index: IndexDefinition) -> str:
    """Say what has to be done with the items that were written before an index was."""
    attributes = binding.codec.attributes
    if not any(attributes.shape(name).format == "date-time" for name in index.keys):
        return ""
    return (
        "items that were saved without it have date-times as they were given, which need not sort: count item_version"
        " up and run pym db migrate"
    )


def _expiry(definition: TableDefinition, live: LiveTable) -> Iterator[Change]:
    wanted, found = definition.ttl_attribute, live.ttl_attribute
    if wanted is None:
        if found is not None:
            yield Change(Kind.EXTRA, "ttl", found)
    elif wanted != found:
        mend = "items that were saved without it get it by their next save, or by pym db migrate with another"
        mend = f"{mend} item_version" if wanted == EXPIRY else ""
        kind = Kind.ADD if found is None else Kind.CHANGE
        yield Change(kind, "ttl", found or "", wanted, mend)


def _encryption(definition: TableDefinition, live: LiveTable) -> Iterator[Change]:
    wanted, found = definition.encryption, live.kms_key
    if wanted is None:
        if found is not None:
            yield Change(Kind.EXTRA, "encryption", f"by the KMS key {found}")
    elif found is None:
        yield Change(Kind.CHANGE, "encryption", "by a key that DynamoDB owns", f"by KMS: {wanted}")
    elif wanted != "kms" and not wanted.startswith("alias/") and wanted.rpartition("/")[2] != found.rpartition("/")[2]:
        # DynamoDB tells which key it is, and of that neither its aliases nor whether it is the account's own.
        yield Change(Kind.CHANGE, "encryption", f"by the KMS key {found}", f"by the KMS key {wanted}")


def _switches(definition: TableDefinition, live: LiveTable) -> Iterator[Change]:
    switches = (
        ("point-in-time recovery", definition.point_in_time_recovery, live.point_in_time_recovery),
        ("deletion protection", definition.deletion_protection, live.deletion_protection),
    )
    for what, wanted, found in switches:
        if wanted and not found:
            yield Change(Kind.ADD, what, wanted="on")
        elif found and not wanted:
            yield Change(Kind.EXTRA, what, "on")


def grown(found: tuple[int, int], wanted: tuple[int, int]) -> tuple[int, int]:
    """Return the capacity that both have: nothing is taken from what is there."""
    return max(found[0], wanted[0]), max(found[1], wanted[1])


def _units(definition: TableDefinition) -> tuple[int, int] | None:
    billing = definition.billing
    return (billing.read, billing.write) if isinstance(billing, Throughput) else None


def _billing(units: tuple[int, int] | None) -> str:
    return "on-demand" if units is None else f"{units[0]} reads and {units[1]} writes a second"


def _keys(names: Iterable[str], types: Mapping[str, str]) -> str:
    return " + ".join(f"{name} ({types.get(name, '?')})" for name in names)


def _index(index: IndexDefinition, definition: TableDefinition) -> str:
    return _index_text(index.keys, definition.key_types, index.projection, index.local)


def _live_index(index: LiveIndex, live: LiveTable) -> str:
    return _index_text(index.keys, live.types, index.projection, index.local)


def _index_text(keys: tuple[str, ...], types: Mapping[str, str], projection: str | tuple[str, ...], local: bool) -> str:
    if isinstance(projection, str):
        shown = "all" if projection == ALL else "keys alone"
    else:
        shown = f"keys, {', '.join(sorted(projection))}"
    return f"{'local ' if local else ''}{_keys(keys, types)} with {shown}"
