"""How counts look on the pages: as words, signs and bars, never as colour alone. Needs pymacaron."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from .markup import Html, element
from .table import percent

if TYPE_CHECKING:
    from .items import Kind
    from .report import Count, Coverage

#: State of a line or a row: its sign and what it means.
SIGNS = {"hit": ("✓", "exercised"), "part": ("◐", "partly exercised"), "miss": ("✗", "not exercised")}

#: Stands for a kind that a contract has nothing of.
NONE = "\N{EN DASH}"

NAMES: dict[Kind, str] = {
    "operation": "Operations",
    "parameter": "Parameters",
    "body": "Request bodies",
    "response": "Responses",
    "branch": "Schema branches",
}


def state(count: Count) -> str:
    """Return ``hit``, ``part`` or ``miss``."""
    return "hit" if count.hit == count.all else "part" if count.hit else "miss"


@cache
def sign(name: str) -> Html:
    """Write the sign of a state."""
    text, meaning = SIGNS[name]
    return element("span", text, class_=f"sign {name}", role="img", aria_label=meaning, title=meaning)


def bar(count: Count) -> Html:
    """Draw how much was exercised; the numbers stand beside it."""
    filled = element("span", style=f"width: {count.percent:.1f}%")
    return element("span", filled, class_=f"bar {state(count)}", aria_hidden="true")


def tiles(coverage: Coverage) -> Html:
    """Write the totals: of everything, and of each kind."""
    from .report import total

    whole = total(coverage.counts)
    first = _tile("All", whole, "tile whole")
    return element("div", first, *(_tile(NAMES[k], c, "tile") for k, c in coverage.counts.items()), class_="tiles")


def _tile(name: str, count: Count, class_: str) -> Html:
    number = percent(count) if count.all else NONE
    detail = f"{count.hit:,} of {count.all:,}" if count.all else "none declared"
    return element(
        "div",
        element("span", name, class_="name"),
        element("strong", number),
        bar(count),
        element("span", detail, class_="detail"),
        class_=class_,
    )


def times(count: int) -> str:
    """Write how often something was exercised."""
    return f"{count:,}\N{MULTIPLICATION SIGN}" if count else "never"
