"""The pages that mark a contract, opened in a browser."""

from __future__ import annotations

import json
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from browsing import chromium
from coverage_cases import ZOO, call, zoo
from pymacaron_unit.contracts import Contracts, from_document, load_contracts
from pymacaron_unit.coverage import Coverage, Recorder
from pymacaron_unit.coverage.report import cover

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.once

CAT = json.dumps([{"kind": "Cat"}]).encode()


def coverage(contracts: Contracts) -> Coverage:
    """Return the coverage of a few calls of the zoo."""
    recorder = Recorder(contracts)
    for contract in contracts:
        recorder.record(call(contract, "GET", "/animals?tame=true", 200, CAT, {"Content-Type": "application/json"}))
        recorder.record(call(contract, "GET", "/animals?tame=false"))
        recorder.record(call(contract, "GET", "/<script>alert(1)</script>", 404))
    return cover([recorder.recording()], contracts)


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """Write the pages of a contract of two files."""
    schemas = ZOO["components"]["schemas"]
    whole = {**ZOO, "components": {"schemas": {"Animal": {"$ref": "animals.json"}}}}
    inner = {**schemas["Animal"], "Cat": schemas["Cat"], "Dog": schemas["Dog"]}
    text = json.dumps(inner, indent=1).replace("#/components/schemas/", "#/")
    (tmp_path / "animals.json").write_text(text)
    (tmp_path / "zoo.json").write_text(json.dumps(whole, indent=1))
    return coverage(load_contracts([tmp_path / "zoo.json"])).write_html(tmp_path / "html")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium."""
    with chromium() as started:
        yield started


@contextmanager
def opened(browser: Browser, path: Path, **settings: Any) -> Iterator[tuple[Page, list[str]]]:
    """Open a page; yield it and what it requested or complained of."""
    said: list[str] = []
    page = browser.new_page(**settings)
    page.on("request", lambda request: said.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(path.as_uri())
    try:
        yield page, said
    finally:
        page.close()


def test_asks_no_other_host(browser: Browser, report: Path) -> None:
    """All pages load from their own folder alone, and run without an error."""
    with opened(browser, report) as (page, said):
        for file in sorted(report.parent.glob("*.html")):
            page.goto(file.as_uri())
        home = report.parent.as_uri()
        assert [text for text in said if not text.startswith((home, "data:,"))] == []
        assert len(list(report.parent.glob("*.html"))) == 3


def test_overview_leads_to_the_lines(browser: Browser, report: Path) -> None:
    """The overview shows totals and rows, filters them, and each row leads to where its operation stands."""
    with opened(browser, report) as (page, _):
        assert page.locator(".tile strong").first.inner_text().endswith(" %")
        rows = page.locator("tbody tr:visible")
        every = rows.count()
        page.get_by_label("Filter").fill("get /animals/")
        assert rows.count() == 1
        page.get_by_label("Filter").fill("")
        page.get_by_label("only what is incomplete").check()
        assert 0 < rows.count() <= every
        page.get_by_role("link", name="/animals/{name}").click()
        target = page.locator(":target")
        assert '"get"' in target.inner_text()
        assert "miss" in str(target.get_attribute("class"))


def test_marks_lines_by_sign_and_words(browser: Browser, report: Path) -> None:
    """A line says by a sign and in words what was exercised of it and what not, and lists it when opened."""
    with opened(browser, report.parent / "zoo.json.html") as (page, _):
        marked = page.locator(".source > .part").first
        assert marked.get_by_role("img", name="partly exercised").is_visible()
        assert "missing: " in marked.locator("summary").inner_text()
        marked.locator("summary").click()
        items = marked.locator(".items li").all_inner_texts()
        assert any("never" in item for item in items)
        assert any("2\N{MULTIPLICATION SIGN}" in item for item in items)


def test_goes_from_gap_to_gap(browser: Browser, report: Path) -> None:
    """The keys n and p go through the lines that miss something, and so does the keyboard's focus."""
    with opened(browser, report.parent / "zoo.json.html") as (page, _):
        page.keyboard.press("n")
        first = page.evaluate("document.activeElement.closest('li').id")
        page.keyboard.press("n")
        assert page.evaluate("document.activeElement.closest('li').id") != first
        page.keyboard.press("p")
        assert page.evaluate("document.activeElement.closest('li').id") == first
        page.keyboard.press("Enter")
        assert page.locator(f"#{first} .items").is_visible()


CONTRAST = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => {
    const linear = (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = rgb.slice(0, 3).map((v) => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const back = (node) => {
    for (; node; node = node.parentElement) {
      const color = parse(getComputedStyle(node).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  return Math.min(...[...document.querySelectorAll("a, span, p, h1, h2, strong, summary, code, td, th")]
    .filter((node) => node.innerText && node.innerText.trim())
    .map((node) => [light(parse(getComputedStyle(node).color)), light(back(node))].sort((a, b) => b - a))
    .map(([more, less]) => (more + 0.05) / (less + 0.05)));
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index.html", "zoo.json.html"])
def test_is_readable_in_light_and_dark(browser: Browser, report: Path, scheme: str, name: str) -> None:
    """All text has the contrast that WCAG 2.2 asks for (1.4.3: 4.5 to 1), in both colour schemes."""
    with opened(browser, report.parent / name, color_scheme=scheme) as (page, _):
        assert page.evaluate(CONTRAST) >= 4.5


def test_fits_a_narrow_window(browser: Browser, report: Path) -> None:
    """On a small screen nothing has to be scrolled sideways."""
    with opened(browser, report.parent / "zoo.json.html", viewport={"width": 400, "height": 700}) as (page, _):
        assert page.evaluate("document.documentElement.scrollWidth") <= 400


class Tags(HTMLParser):
    """Checks that elements are closed in the order in which they were opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in ("meta", "link", "input", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_writes_text_as_text(tmp_path: Path) -> None:
    """What calls and contracts hold is shown, never run; every element is closed."""
    hostile = json.loads(json.dumps(ZOO).replace("Cat", "<b>&'Cat"))
    index = coverage(Contracts([from_document("zoo<i>", hostile)])).write_html(tmp_path / "html")
    for file in index.parent.glob("*.html"):
        text = file.read_text()
        assert "<b>" not in text
        assert "<i>" not in text
        assert "<script>alert" not in text
        tags = Tags()
        tags.feed(text)
        assert tags.open == []


def test_shows_a_contract_that_is_no_file(tmp_path: Path) -> None:
    """Without a source, the page lists the items."""
    index = coverage(Contracts([zoo()])).write_html(tmp_path / "html")
    (page,) = set(index.parent.glob("*.html")) - {index}
    assert "list: query tame = true" in page.read_text()


def test_shows_a_file_once_for_all_its_contracts(tmp_path: Path) -> None:
    """A file that several contracts refer to is one page; files of one name are two."""
    parameter = {"name": "q", "in": "query", "schema": {"type": "string"}}
    (tmp_path / "common.json").write_text(json.dumps({"q": parameter}))
    for name in "ab":
        get = {
            "operationId": name,
            "parameters": [{"$ref": "common.json#/q"}],
            "responses": {"200": {"description": ""}},
        }
        document = {"openapi": "3.1.0", "info": {"title": name, "version": "1"}, "paths": {f"/{name}": {"get": get}}}
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    index = coverage(load_contracts([tmp_path / "a.json", tmp_path / "b.json"])).write_html(tmp_path / "html")
    assert {file.name for file in index.parent.glob("*.html")} == {
        "index.html", "a.json.html", "b.json.html", "common.json.html",
    }  # fmt: skip
    common = (index.parent / "common.json.html").read_text()
    assert "a: query q sent" in common
    assert "b: query q sent" in common
