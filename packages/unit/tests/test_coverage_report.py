"""The report of coverage: percentages, table and JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from coverage_cases import ZOO, call, zoo
from pymacaron_unit.contracts import Contracts, from_document, load_contracts
from pymacaron_unit.coverage import Coverage, Recorder
from pymacaron_unit.coverage.report import Count, cover
from pymacaron_unit.coverage.table import percent

if TYPE_CHECKING:
    from pathlib import Path

    from pymacaron_unit.contracts import Contract

ONE = {
    "openapi": "3.1.0",
    "info": {"title": "One", "version": "1"},
    "paths": {"/one": {"get": {"operationId": "one", "responses": {"200": {"description": "it"}}}}},
}


def covered(contract: Contract, *calls: tuple[str, str, int]) -> Coverage:
    """Return the coverage of calls."""
    recorder = Recorder(Contracts([contract]))
    for method, url, status in calls:
        recorder.record(call(contract, method, url, status))
    return cover([recorder.recording()], recorder.contracts)


def test_percent_is_items_exercised_of_all_items() -> None:
    """Each item weighs the same; nothing to exercise is all of it."""
    assert (Count(1, 3).percent, Count(0, 0).percent) == (100 / 3, 100.0)
    assert Coverage([]).percent == 100
    assert covered(zoo()).percent == 0
    found = covered(zoo(), ("GET", "/animals/x", 404))
    assert found.percent == 100 * 3 / len(found.contracts[0].inventory.items)


def test_operation_percent_counts_successes() -> None:
    """An operation counts when it answered with success; one that declares only failures, when it answered so."""
    assert round(covered(zoo(), ("GET", "/animals", 404)).operation_percent) == 0
    assert round(covered(zoo(), ("GET", "/animals", 200)).operation_percent) == 33
    assert round(covered(zoo(), ("GET", "/animals", 200), ("GET", "/animals/x", 404)).operation_percent) == 67


def test_table_shows_each_operation_and_what_is_missing(tmp_path: Path) -> None:
    """The table has a row for each operation and schema, and names what is missing by file and line."""
    (tmp_path / "zoo.json").write_text(json.dumps(ZOO, indent=1))
    (contract,) = load_contracts([tmp_path / "zoo.json"])
    text = covered(contract, ("GET", "/animals?tame=true", 200), ("GET", "/x", 404), ("POST", "/animals", 418)).table()
    row = next(line for line in text.splitlines() if "GET /animals  list" in line)
    assert row.split()[3:] == ["1/1", "7/17", "-", "1/6", "0/2", "34", "%"]
    assert "schema Cat (response)" in text
    assert "zoo.json:" in text
    assert "pym coverage -v lists all" in text
    assert "called, but in no contract:\n  GET /x (1x)" in text
    assert "answered, but not declared in zoo:\n  add 418 (1x)" in text
    assert text.endswith("operation coverage 33 % (1 of 3 answered with success)")


def test_verbose_table_lists_all_that_is_missing() -> None:
    """Every item that no call exercised has its line."""
    found = covered(zoo())
    text = found.table(verbose=True)
    assert all(f"{item.owner}: {item.label}" in text for item in found.contracts[0].missing)
    assert "zoo#/components/schemas/Cat/properties/lives: Cat (request): lives present" in text
    assert len(found.contracts[0].missing) == len(found.contracts[0].inventory.items)


def test_never_rounds_up_to_all() -> None:
    """What is not complete shows less than 100 %."""
    assert percent(Count(9999, 10000)) == "99 %"
    assert percent(Count(1, 1)) == "100 %"


def test_complete_table_lists_nothing_missing() -> None:
    """A suite that exercises everything reads so."""
    contract = from_document("one", ONE)
    found = covered(contract, ("GET", "/one", 200))
    assert found.percent == 100
    assert "not exercised" not in found.table()
    assert found.table().endswith("contract coverage 100 %, operation coverage 100 % (1 of 1 answered with success)")


def test_json_holds_every_item(tmp_path: Path) -> None:
    """Scripts get each item with its place and its hits."""
    (tmp_path / "zoo.json").write_text(json.dumps(ZOO, indent=1))
    (contract,) = load_contracts([tmp_path / "zoo.json"])
    found = covered(contract, ("GET", "/animals?kind=dog", 200), ("GET", "/animals?kind=dog", 200))
    told = json.loads(json.dumps(found.to_json()))
    assert told["percent"] == round(found.percent, 2)
    (zoo_told,) = told["contracts"]
    items = {item["key"]: item for item in zoo_told["items"]}
    dog = items['list query kind = "dog"']
    assert (dog["hits"], dog["kind"], dog["owner"], dog["label"]) == (2, "parameter", "list", 'query kind = "dog"')
    assert dog["pointer"] == "/paths/~1animals/get/parameters/0/schema/enum/1"
    line = json.dumps(ZOO, indent=1).splitlines()[dog["lines"][0] - 1]
    assert line.strip() == '"dog"'
    assert told["counts"]["operation"] == {"exercised": 1, "all": 3}
