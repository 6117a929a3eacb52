"""What recordings say of the contracts as they are now. Needs pymacaron.

Percentages are plain: items exercised, of all items (see :mod:`.items`), times 100; each item weighs the same. Nothing
to exercise is 100 %. ``operation coverage`` is the share of operations that answered with success.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..exceptions import UnitError
from .items import KINDS, inventory
from .places import Lines, Positions
from .store import Recording, digest, find, read, recorded_contracts, united

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pymacaron.contract import Place

    from ..contracts import Contract, Contracts
    from .items import Inventory, Item, Kind, Owner
    from .store import Exercised


@dataclass(frozen=True)
class Count:
    """How many of some items were exercised."""

    hit: int = 0
    all: int = 0

    @property
    def percent(self) -> float:
        """The share of them, from 0 to 100; 100 where there are none."""
        return 100 * self.hit / self.all if self.all else 100.0

    def __add__(self, other: Count) -> Count:
        return Count(self.hit + other.hit, self.all + other.all)

    def __str__(self) -> str:
        return f"{self.hit}/{self.all}" if self.all else "-"


class ContractCoverage:
    """What was exercised of one contract."""

    def __init__(self, contract: Contract, exercised: Exercised) -> None:
        self.contract = contract
        self.exercised = exercised

    @property
    def name(self) -> str:
        """Name of the API."""
        return self.contract.name

    @property
    def undeclared(self) -> dict[str, int]:
        """Operation and status of answers that the contract does not declare, with how many there were."""
        return self.exercised.undeclared

    @cached_property
    def inventory(self) -> Inventory:
        """All items of the contract."""
        return inventory(self.contract)

    def hits(self, item: Item) -> int:
        """Return how many calls exercised an item."""
        return self.exercised.hits.get(item.key, 0)

    @cached_property
    def by_owner(self) -> dict[str, list[Item]]:
        """The items of each operation and each named schema that has any."""
        made: dict[str, list[Item]] = {}
        for item in self.inventory.items.values():
            made.setdefault(item.owner, []).append(item)
        return {name: made[name] for name in self.inventory.owners if name in made}

    def owner(self, name: str) -> Owner:
        """Return what items belong to."""
        return self.inventory.owners[name]

    def counts(self, items: Iterable[Item] | None = None) -> dict[Kind, Count]:
        """Count items, all of the contract where none are given, by kind."""
        every: Counter[Kind] = Counter()
        hit: Counter[Kind] = Counter()
        for item in self.inventory.items.values() if items is None else items:
            every[item.kind] += 1
            hit[item.kind] += self.hits(item) > 0
        return {kind: Count(hit[kind], every[kind]) for kind in KINDS}

    @property
    def missing(self) -> list[Item]:
        """The items that no call exercised."""
        return [item for item in self.inventory.items.values() if not self.hits(item)]

    def lines(self, place: Place) -> Lines | None:
        """Return the lines that something stands in; None where the contract is no file."""
        if place.file not in self._positions:
            self._positions[place.file] = Positions(place.file)
        return self._positions[place.file].lines(place.pointer)

    @cached_property
    def _positions(self) -> dict[str, Positions]:
        return {}


@dataclass(frozen=True)
class Coverage:
    """What was exercised of all contracts.

    Args:
        contracts: each contract with what was exercised of it.
        strangers: calls (method and path) that belong to no contract, with how many there were.
        left_out: recordings that do not count, each with the reason.
        runs: how many recordings count.
    """

    contracts: Sequence[ContractCoverage]
    strangers: dict[str, int] = field(default_factory=dict)
    left_out: Sequence[str] = ()
    runs: int = 0

    @property
    def percent(self) -> float:
        """Items exercised, of all items, from 0 to 100."""
        return total(self.counts).percent

    @property
    def operation_percent(self) -> float:
        """Operations that answered with success, of all operations, from 0 to 100."""
        return self.counts["operation"].percent

    @cached_property
    def counts(self) -> dict[Kind, Count]:
        """The items of all contracts, by kind."""
        each = [contract.counts() for contract in self.contracts]
        return {kind: sum((counts[kind] for counts in each), Count()) for kind in KINDS}

    def table(self, verbose: bool = False) -> str:
        """Return the report as text for a terminal; ``verbose`` lists everything that is missing."""
        from .table import table

        return table(self, verbose)

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain values, every item included."""
        return {
            "format": 1,
            "percent": round(self.percent, 2),
            "operation_percent": round(self.operation_percent, 2),
            "counts": _counts_json(self.counts),
            "contracts": [_contract_json(contract) for contract in self.contracts],
            "called_but_in_no_contract": self.strangers,
            "left_out": list(self.left_out),
        }

    def write_html(self, folder: str | Path) -> Path:
        """Write the report as pages into a folder, which is made where it is missing; return ``index.html``'s path."""
        from .page import write_pages

        return write_pages(self, folder)


def combine(places: str | Path | Iterable[str | Path], contracts: Contracts | None = None) -> Coverage:
    """Unite recordings.

    Each recording counts once. One of an older contract, or that cannot be read, is left out, and reported so.

    Args:
        places: a folder of recordings, or recordings and folders of them.
        contracts: what they are held against; None for those that were recorded, as they are now.

    Raises:
        UnitError: a recording that is named is not there.
    """
    recordings: list[Recording] = []
    left_out: list[str] = []
    for path in find(places):
        try:
            recordings.append(read(path))
        except UnitError as error:
            left_out.append(str(error))
    return cover(recordings, recorded_contracts(recordings) if contracts is None else contracts, left_out)


def cover(recordings: Iterable[Recording], contracts: Contracts, left_out: Iterable[str] = ()) -> Coverage:
    """Hold recordings against contracts."""
    runs = list({recording.run: recording for recording in recordings}.values())
    digests = {contract.name: digest(contract.api) for contract in contracts}
    stale = [f"run {run.run[:8]} of {run.made}: {why}" for run in runs for why in _stale(run, digests)]
    strangers: Counter[str] = Counter()
    for run in runs:
        strangers.update(run.strangers)
    each = [ContractCoverage(c, united(runs, c.name, digests[c.name])) for c in contracts]
    return Coverage(each, dict(strangers), [*left_out, *stale], len(runs))


def total(counts: dict[Kind, Count]) -> Count:
    """Add up the counts of all kinds."""
    return sum(counts.values(), Count())


def _stale(run: Recording, digests: dict[str, str]) -> Iterator[str]:
    for name, exercised in run.contracts.items():
        if name not in digests:
            file = f", once {exercised.file}," if exercised.file else ""
            yield f"its contract {name}{file} is not at hand; give it with --contract FILE"
        elif digests[name] != exercised.digest:
            yield f"the contract {name} has changed since; run the tests again"


def _counts_json(counts: dict[Kind, Count]) -> dict[str, Any]:
    return {kind: {"exercised": count.hit, "all": count.all} for kind, count in counts.items()}


def _contract_json(contract: ContractCoverage) -> dict[str, Any]:
    counts = contract.counts()
    return {
        "name": contract.name,
        "file": str(contract.contract.file) if contract.contract.file is not None else None,
        "percent": round(total(counts).percent, 2),
        "counts": _counts_json(counts),
        "undeclared": contract.undeclared,
        "items": [_item_json(contract, item) for item in contract.inventory.items.values()],
    }


def _item_json(contract: ContractCoverage, item: Item) -> dict[str, Any]:
    lines = contract.lines(item.place)
    return {
        "key": item.key,
        "kind": item.kind,
        "owner": item.owner,
        "label": item.label,
        "hits": contract.hits(item),
        "file": item.place.file,
        "pointer": item.place.pointer,
        "lines": list(lines) if lines is not None else None,
    }
