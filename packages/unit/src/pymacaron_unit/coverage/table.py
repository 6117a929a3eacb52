"""The report as a table for a terminal. Needs pymacaron."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymacaron.spec.document import relative

from .report import Count, total

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .items import Item, Kind
    from .report import ContractCoverage, Coverage

COLUMNS: dict[Kind, str] = {
    "operation": "operation",
    "parameter": "parameters",
    "body": "bodies",
    "response": "responses",
    "branch": "branches",
}
#: So many lines of what is missing are shown where not all are asked for.
SHORT = 20

_Row = tuple[str, ...]


def table(coverage: Coverage, verbose: bool = False) -> str:
    """Return the whole report as text."""
    rows = [("", *COLUMNS.values(), "percent")]
    for contract in coverage.contracts:
        rows += _contract(contract)
    rows.append(("total", *_cells(coverage.counts)))
    parts = ["Contract coverage", *_aligned(rows), *_missing(coverage, verbose), *_notes(coverage)]
    counts = coverage.counts["operation"]
    parts.append(
        f"contract coverage {percent(total(coverage.counts))},"
        f" operation coverage {percent(counts)} ({counts.hit} of {counts.all} answered with success)"
    )
    return "\n".join(parts)


def where(contract: ContractCoverage, item: Item) -> str:
    """Name an item's place the way editors do: ``file:line``."""
    lines = contract.lines(item.place)
    return f"{relative(item.place.file)}:{lines.first}" if lines else f"{item.place.file}#{item.place.pointer}"


def _contract(contract: ContractCoverage) -> Iterator[_Row]:
    file = f" ({relative(str(contract.contract.file))})" if contract.contract.file is not None else ""
    yield (f"{contract.name}{file}", *_cells(contract.counts()))
    for name, items in contract.by_owner.items():
        yield (f"  {_title(contract, name)}", *_cells(contract.counts(items)))


def _title(contract: ContractCoverage, name: str) -> str:
    owner = contract.owner(name)
    return f"{owner.title}  {owner.name}" if owner.operation is not None else f"schema {owner.name}"


def _cells(counts: dict[Kind, Count]) -> _Row:
    return (*(str(counts[kind]) for kind in COLUMNS), percent(total(counts)))


def percent(count: Count) -> str:
    """Write a percentage; one that is not reached is never rounded up to 100."""
    shown = int(count.percent) if count.percent < 100 else 100
    return f"{shown} %"


def _aligned(rows: Sequence[_Row]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        numbers = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        yield "  ".join([row[0].ljust(widths[0]), *numbers])


def _missing(coverage: Coverage, verbose: bool) -> Iterator[str]:
    found = [(contract, item) for contract in coverage.contracts for item in contract.missing]
    if not found:
        return
    yield "not exercised:"
    for contract, item in found if verbose else found[:SHORT]:
        yield f"  {where(contract, item)}: {item.owner}: {item.label}"
    if not verbose and len(found) > SHORT:
        yield f"  and {len(found) - SHORT} more; pym coverage -v lists all"


def _notes(coverage: Coverage) -> Iterator[str]:
    yield from _listed("called, but in no contract", coverage.strangers)
    for contract in coverage.contracts:
        title = f"answered, but not declared in {contract.name}"
        yield from _listed(title, contract.undeclared)
    yield from (f"left out: {reason}" for reason in coverage.left_out)


def _listed(title: str, counts: Mapping[str, int]) -> Iterator[str]:
    lines = [f"  {name} ({count}x)" for name, count in counts.items()]
    yield from [f"{title}:", *lines[:SHORT]] if lines else []
    if len(lines) > SHORT:
        yield f"  and {len(lines) - SHORT} more"
