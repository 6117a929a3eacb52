"""The report as pages that need no server: totals and all operations, and a page for each file. Needs pymacaron."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from pymacaron.spec.document import relative

from .bars import NAMES, NONE, bar, sign, state, tiles, times
from .items import KINDS
from .markup import Html, document, element
from .report import total
from .source_page import SourcePage, source_pages
from .table import percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .report import ContractCoverage, Coverage

_ASSETS = ("page.css", "page.js")


def write_pages(coverage: Coverage, folder: str | Path) -> Path:
    """Write all pages and what they need into a folder; return the path of ``index.html``."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    pages = source_pages(coverage)
    for name in _ASSETS:
        (place / name).write_bytes((files(__package__) / "assets" / name).read_bytes())
    for page in pages.values():
        (place / page.name).write_text(page.html(), encoding="utf-8")
    index = place / "index.html"
    index.write_text(_index(coverage, pages), encoding="utf-8")
    return index


def _index(coverage: Coverage, pages: Mapping[str, SourcePage]) -> str:
    runs = f"{coverage.runs} recording{'' if coverage.runs == 1 else 's'}"
    heading = element("header", element("h1", "Contract coverage"), element("p", f"From {runs}.", class_="note"))
    main = element(
        "main",
        tiles(coverage),
        *(_left_out(coverage.left_out)),
        _controls(),
        *(_contract(contract, pages) for contract in coverage.contracts),
        *_strangers(coverage),
    )
    return document(f"{percent(total(coverage.counts))} contract coverage", heading, main)


def _controls() -> Html:
    return element(
        "div",
        element("label", "Filter ", element("input", type="search", id="filter", placeholder="operation or path")),
        element("label", element("input", type="checkbox", id="incomplete"), " only what is incomplete"),
        class_="controls",
    )


def _contract(contract: ContractCoverage, pages: Mapping[str, SourcePage]) -> Html:
    columns = ["Operation or schema", *(NAMES[kind] for kind in KINDS[1:]), "Exercised"]
    head = element("tr", *(element("th", column, scope="col") for column in columns))
    rows = [_row(contract, name, pages) for name in contract.by_owner]
    counts = contract.counts()
    file = contract.contract.file
    title = element("h2", contract.name, " ", element("span", percent(total(counts)), class_="percent"))
    linked = sorted({item.place.file for item in contract.inventory.items.values()}, key=lambda f: f != str(file))
    sources = [element("a", relative(each), href=pages[each].name) for each in linked]
    return element(
        "section",
        title,
        element("p", *_joined(sources), class_="note"),
        element("table", element("thead", head), element("tbody", *rows)),
        *_undeclared(contract),
    )


def _row(contract: ContractCoverage, name: str, pages: Mapping[str, SourcePage]) -> Html:
    owner, counts = contract.owner(name), contract.counts(contract.by_owner[name])
    whole = total(counts)
    href = pages[owner.place.file].link(contract, owner.place) if owner.place.file in pages else None
    method, _, path = owner.title.partition(" ") if owner.operation is not None else ("schema", "", owner.name)
    link = element("a", element("code", path), href=href)
    named = element("span", f" {owner.name}", class_="note") if owner.operation is not None else Html("")
    cells = [element("td", str(counts[kind]) if counts[kind].all else NONE, class_="number") for kind in KINDS[1:]]
    return element(
        "tr",
        element("th", sign(state(whole)), " ", element("span", method, class_="method"), " ", link, named, scope="row"),
        *cells,
        element("td", bar(whole), " ", element("span", percent(whole), class_="number"), class_="percent"),
        class_=state(whole),
    )


def _left_out(reasons: Sequence[str]) -> list[Html]:
    if not reasons:
        return []
    listed = element("ul", *(element("li", reason) for reason in reasons))
    return [element("section", element("h2", "Left out"), listed, class_="warning")]


def _undeclared(contract: ContractCoverage) -> list[Html]:
    if not contract.undeclared:
        return []
    return [element("h3", "Answered, but not declared"), _counted(contract.undeclared)]


def _strangers(coverage: Coverage) -> list[Html]:
    if not coverage.strangers:
        return []
    return [element("section", element("h2", "Called, but in no contract"), _counted(coverage.strangers))]


def _counted(counts: Mapping[str, int]) -> Html:
    ordered = sorted(counts.items(), key=lambda entry: -entry[1])
    return element("ul", *(element("li", element("code", name), f" {times(count)}") for name, count in ordered))


def _joined(parts: Sequence[Html]) -> list[str]:
    return [piece for part in parts for piece in (part, " ")]
