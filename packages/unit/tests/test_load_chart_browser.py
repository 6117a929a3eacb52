"""The chart as a browser shows it: every word within the picture, none over another, all of them readable."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Literal

import pytest

from browsing import chromium
from pymacaron_unit.load.chart import draw
from test_load_chart import report_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

pytestmark = pytest.mark.once

# The place of each text, its colour and that of the paper.
_LOOK = """() => {
    const paper = getComputedStyle(document.querySelector(".paper")).fill;
    return [...document.querySelectorAll("text")].map(each => {
        const box = each.getBoundingClientRect();
        return {text: each.textContent, colour: getComputedStyle(each).fill, paper,
                left: box.left, right: box.right, top: box.top, bottom: box.bottom};
    });
}"""
RUNS = {
    "stall": [0.002] * 60 + [1 - index / 50 for index in range(50)] + [0.002] * 400,
    "short": [0.01, 0.02],
    "fast": [0.0002] * 100,
    "slow": [5.0, 30.0, 0.0001] * 30,
    "none": [],
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium."""
    with chromium() as started:
        yield started


def luminance(colour: str) -> float:
    """Return the relative luminance of `rgb(…)` (WCAG 2.2)."""
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    across = min(one["right"], other["right"]) - max(one["left"], other["left"])
    down = min(one["bottom"], other["bottom"]) - max(one["top"], other["top"])
    return bool(across > 1 and down > 3)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("run", RUNS)
def test_words_can_be_read(tmp_path: Path, browser: Browser, run: str, scheme: Literal["light", "dark"]) -> None:
    """A stall, two calls, all the same, five powers of ten, nothing at all: in light and in dark."""
    path = tmp_path / "chart.svg"
    path.write_text(draw(report_of(RUNS[run], rate=1234, target="the service in /home/somebody/" + "folder/" * 20)))
    page = browser.new_page(color_scheme=scheme, viewport={"width": 1000, "height": 1000})
    page.goto(path.as_uri())
    found = page.evaluate(_LOOK)
    page.close()
    assert len(found) > 15
    for each in found:
        assert min(each["left"], each["top"]) >= 0, each
        assert max(each["right"] - 960, each["bottom"] - 975) <= 0, each
        dark, light = sorted([luminance(each["colour"]), luminance(each["paper"])])
        assert (light + 0.05) / (dark + 0.05) >= 4.5, each
    for one, other in itertools.combinations(found, 2):
        assert not overlap(one, other), (one["text"], other["text"])
