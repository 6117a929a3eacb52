"""Counting what the sessions did."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tools import results
from tools.results import Count
from tools.tests.samples import plain

if TYPE_CHECKING:
    from pathlib import Path

JUNIT = """\
<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest" tests="6">
<testcase name="a"/><testcase name="b"/><testcase name="c"/>
<testcase name="d"><failure message="m">text</failure></testcase>
<testcase name="e"><error message="m">text</error></testcase>
<testcase name="f"><skipped type="pytest.skip" message="needs redis-server">text</skipped></testcase>
</testsuite></testsuites>
"""
EVERY_KIND = """\
import pytest

def test_good(): pass

def test_bad(): assert 0

@pytest.mark.skip(reason="later")
def test_later(): pass

@pytest.mark.xfail
def test_known(): assert 0

@pytest.fixture
def broken(): raise ValueError

def test_broken(broken): pass
"""
GREEN = '<testsuites><testsuite><testcase name="a"/></testsuite></testsuites>'


def report(folder: Path, **sessions: str) -> None:
    """Write nox's report of these sessions and how each ended."""
    entries = [
        {"name": name.split("-")[0], "signatures": [name], "result": result, "reason": "why", "duration": 2.6}
        for name, result in sessions.items()
    ]
    (folder / results.REPORT).write_text(json.dumps({"sessions": entries}))


def count(folder: Path, session: str) -> Count:
    [outcome] = results.collect(folder, [session])
    return outcome.count


def test_line() -> None:
    """The last line of a run."""
    assert str(Count(3, 1) + Count(1, 0, 2)) == "4 passed, 1 failed, 2 skipped"


def test_junit_file_of_a_session(tmp_path: Path) -> None:
    """Sessions of different Pythons and packages write different files."""
    names = ["tests-3.11(core)", "tests-3.12(core)", "tests-3.11(unit)", "lint"]
    assert len({results.junit_file(tmp_path, name).name for name in names}) == 4
    assert results.junit_file(tmp_path, names[0]).name == "tests-3.11-core.xml"


def test_counts_come_from_the_junit_file(tmp_path: Path) -> None:
    """Failures and errors are failures; skips keep their reasons."""
    report(tmp_path, tests="failed")
    (tmp_path / "tests.xml").write_text(JUNIT)
    [outcome] = results.collect(tmp_path, ["tests"])
    assert outcome.count == Count(3, 2, 1)
    assert outcome.skips == ("needs redis-server",)
    assert str(outcome) == "tests 3 s FAILED"


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ("success", Count(passed=1)),
        ("failed", Count(failed=1)),
        ("aborted", Count(failed=1)),
        ("skipped", Count(skipped=1)),
    ],
)
def test_session_without_tests_counts_as_one(tmp_path: Path, result: str, expected: Count) -> None:
    """A lint failure can't hide behind green tests."""
    report(tmp_path, lint=result)
    assert count(tmp_path, "lint") == expected


def test_crash_after_green_tests_is_a_failure(tmp_path: Path) -> None:
    """A session that nox calls failed fails, whatever its file says."""
    report(tmp_path, tests="failed")
    (tmp_path / "tests.xml").write_text(GREEN)
    assert count(tmp_path, "tests") == Count(1, 1)


def test_session_that_left_no_trace_is_a_failure(tmp_path: Path) -> None:
    """No report (nox died) and no file: one failure."""
    assert count(tmp_path, "tests") == Count(failed=1)
    (tmp_path / results.REPORT).write_text("{")
    assert count(tmp_path, "tests") == Count(failed=1)


def test_cut_off_junit_file_is_a_failure(tmp_path: Path) -> None:
    """A run that died while it wrote its file does not count as nothing."""
    report(tmp_path, tests="failed")
    (tmp_path / "tests.xml").write_text(JUNIT[:200])
    assert count(tmp_path, "tests") == Count(failed=1)


def test_total_and_reasons(tmp_path: Path) -> None:
    """All sessions add up; equal reasons are told once, with their number."""
    report(tmp_path, tests="failed", unit="failed", docs="skipped")
    for name in ("tests", "unit"):
        (tmp_path / f"{name}.xml").write_text(JUNIT)
    outcomes = results.collect(tmp_path, ["tests", "unit", "docs"])
    assert results.total(outcomes) == Count(6, 4, 3)
    assert results.skip_reasons(outcomes) == ["2 x needs redis-server", "1 x docs: why"]


def test_pytest_writes_what_is_read(tmp_path: Path) -> None:
    """The reader understands what pytest writes today, expected failures included."""
    (tmp_path / "test_all.py").write_text(EVERY_KIND)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", "/dev/null", "--junitxml=out.xml"]
    subprocess.run([*command, "test_all.py"], cwd=tmp_path, env=plain(), capture_output=True, check=False)
    counted, reasons = results.read_junit(tmp_path / "out.xml")
    assert counted == Count(1, 2, 2)
    assert "later" in reasons
