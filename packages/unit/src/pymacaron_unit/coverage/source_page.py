"""One file of a contract as a page: its text, marked by what was exercised of each line. Needs pymacaron."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pymacaron.spec.document import relative

from .bars import SIGNS, bar, sign, state, times
from .markup import Html, document, element
from .report import Count
from .table import percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pymacaron.contract import Place

    from .items import Item
    from .report import ContractCoverage, Coverage

_KEY = re.compile(r"""^(\s*(?:- )*)("(?:[^"\\]|\\.)*"|'[^']*'|/[^\s:]*|[\w$./*+-]+)(?=\s*:(?:\s|$))""")
_COMMENT = re.compile(r"(?:^|\s)#.*$")


@dataclass(frozen=True)
class Mark:
    """An item of a contract, with how many calls exercised it."""

    contract: ContractCoverage
    item: Item
    hits: int

    @property
    def text(self) -> str:
        """The item in words."""
        return f"{self.item.owner}: {self.item.label}"


@dataclass
class SourcePage:
    """The page of one file.

    Args:
        file: what it shows; the contract's name where that is no file.
        name: of the page's own file.
        marks: the items that stand in it.
    """

    file: str
    name: str
    marks: list[Mark] = field(default_factory=list)

    def link(self, contract: ContractCoverage, place: Place) -> str:
        """Return the address of a place."""
        lines = contract.lines(place)
        return f"{self.name}#L{lines.first}" if lines is not None else self.name

    def html(self) -> str:
        """Write the page."""
        whole = _count(self.marks)
        shown = relative(self.file)
        heading = element(
            "header",
            element("p", element("a", "All contracts", href="index.html")),
            element("h1", element("code", shown), " ", element("span", percent(whole), class_="percent")),
            element("p", f"{whole.hit:,} of {whole.all:,} exercised ", bar(whole), class_="note"),
            self._legend(),
        )
        body = element("main", self._text() if self._lines else self._list())
        return document(
            f"{percent(whole)} {shown}", heading, element("div", self._navigation(), body, class_="columns")
        )

    @cached_property
    def _lines(self) -> list[str]:
        try:
            return Path(self.file).read_text(encoding="utf-8-sig", errors="replace").splitlines()
        except OSError:
            return []

    @cached_property
    def _by_line(self) -> dict[int, list[Mark]]:
        made: dict[int, list[Mark]] = {}
        for mark in self.marks:
            lines = mark.contract.lines(mark.item.place)
            made.setdefault(lines.first if lines is not None else 1, []).append(mark)
        return made

    def _legend(self) -> Html:
        signs = [piece for name in ("hit", "part", "miss") for piece in (sign(name), f" {SIGNS[name][1]} ")]
        buttons = [
            element("button", "Previous gap ", element("kbd", "p"), type="button", id="previous"),
            element("button", "Next gap ", element("kbd", "n"), type="button", id="next"),
        ]
        return element("p", *signs, *buttons, class_="legend")

    def _navigation(self) -> Html:
        """List the operations and schemas of the file, in its order."""
        owners: dict[tuple[str, str], list[Mark]] = {}
        for mark in self.marks:
            owners.setdefault((mark.contract.name, mark.item.owner), []).append(mark)
        entries = [self._entry(marks) for marks in owners.values()]
        listed = [entry for _, entry in sorted(entries, key=lambda entry: entry[0])]
        return element(
            "nav", element("h2", "In this file"), element("ul", *listed), aria_label="Operations and schemas"
        )

    def _entry(self, marks: list[Mark]) -> tuple[int, Html]:
        contract, owner = marks[0].contract, marks[0].contract.owner(marks[0].item.owner)
        place = owner.place if owner.place.file == self.file else marks[0].item.place
        lines = contract.lines(place)
        title = owner.title if owner.operation is not None else owner.name
        count = _count(marks)
        link = element("a", title, href=f"#L{lines.first}" if lines else None)
        number = element("span", percent(count), class_="number")
        return (lines.first if lines else 0), element("li", sign(state(count)), link, number)

    def _text(self) -> Html:
        return element("ol", *(self._line(number, text) for number, text in enumerate(self._lines, 1)), class_="source")

    def _line(self, number: int, text: str) -> Html:
        marks = self._by_line.get(number, [])
        name = state(_count(marks)) if marks else None
        return element(
            "li",
            element("a", str(number), href=f"#L{number}", class_="at"),
            sign(name) if name is not None else element("span", class_="sign"),
            element("code", *_highlighted(text), style=f"--in: {len(text) - len(text.lstrip(' '))}"),
            _notes(marks) if marks else Html(""),
            id=f"L{number}",
            class_=name,
        )

    def _list(self) -> Html:
        """List the items of a contract that is no file."""
        return element("section", element("p", "This contract was no file; these are its parts."), _items(self.marks))


def source_pages(coverage: Coverage) -> dict[str, SourcePage]:
    """Make a page for each file that items stand in, by the file's path."""
    pages: dict[str, SourcePage] = {}
    taken = {"index.html"}
    for contract in coverage.contracts:
        for item in contract.inventory.items.values():
            file = item.place.file
            if file not in pages:
                pages[file] = SourcePage(file, _free_name(file, taken))
            pages[file].marks.append(Mark(contract, item, contract.hits(item)))
    return pages


def _free_name(file: str, taken: set[str]) -> str:
    stem = re.sub(r"[^\w.-]", "_", Path(file).name) or "contract"
    name, count = f"{stem}.html", 1
    while name in taken:
        count += 1
        name = f"{stem}-{count}.html"
    taken.add(name)
    return name


def _count(marks: Iterable[Mark]) -> Count:
    hits = [mark.hits > 0 for mark in marks]
    return Count(sum(hits), len(hits))


def _notes(marks: list[Mark]) -> Html:
    """Write what is to be said of a line: in short what is missing, and all of it when it is opened."""
    missing = [mark for mark in marks if not mark.hits]
    if missing:
        short = f"{len(marks) - len(missing)} of {len(marks)}, missing: {_short(missing)}"
    else:
        short = times(marks[0].hits) if len(marks) == 1 else f"all {len(marks)}"
    return element("details", element("summary", short, title=_hover(marks)), _items(marks))


def _short(missing: list[Mark]) -> str:
    labels = list(dict.fromkeys(mark.item.label for mark in missing))
    return f"{labels[0]}, and {len(labels) - 1} more" if len(labels) > 1 else labels[0]


def _hover(marks: list[Mark]) -> str:
    lines = [f"{SIGNS['hit' if mark.hits else 'miss'][0]} {mark.text}: {times(mark.hits)}" for mark in marks[:20]]
    return "\n".join([*lines, f"and {len(marks) - 20} more"] if len(marks) > 20 else lines)


def _items(marks: list[Mark]) -> Html:
    ordered = sorted(marks, key=lambda mark: mark.hits > 0)
    return element("ul", *map(_item, ordered), class_="items")


def _item(mark: Mark) -> Html:
    often = element("span", f" {times(mark.hits)}", class_="number")
    return element("li", sign("hit" if mark.hits else "miss"), f" {mark.text}", often)


def _highlighted(text: str) -> Iterator[str]:
    """Set a line's key and comment apart."""
    comment = _COMMENT.search(text)
    code, rest = (text[: comment.start()], text[comment.start() :]) if comment is not None else (text, "")
    key = _KEY.match(code)
    if key is not None:
        yield key.group(1)
        yield element("span", key.group(2), class_="key")
        code = code[key.end() :]
    yield code
    if rest:
        yield element("span", rest, class_="comment")
