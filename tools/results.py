"""Count what the sessions of one run did: from the JUnit file of each and from nox's own report."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

REPORT = "report.json"


@dataclass(frozen=True)
class Count:
    """How many tests passed, failed and were skipped; printed, it is the last line of a run."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


@dataclass(frozen=True)
class Outcome:
    """One session: its count, how nox says it ended, how long it took, why tests were skipped."""

    session: str
    count: Count
    status: str = "did not run"
    seconds: float = 0.0
    skips: tuple[str, ...] = ()

    def __str__(self) -> str:
        mark = "" if self.status == "success" and not self.count.failed else f" {self.status.upper()}"
        return f"{self.session} {self.seconds:.0f} s{mark}"


def junit_file(folder: Path, session: str) -> Path:
    """Return where a session writes its JUnit file: `tests-3.11(core)` → `tests-3.11-core.xml`."""
    return folder / f"{re.sub(r'[^A-Za-z0-9.]+', '-', session).strip('-')}.xml"


def read_junit(path: Path) -> tuple[Count, tuple[str, ...]]:
    """Return the count of a JUnit file and the reason of each skip; a broken file is one failure."""
    try:
        cases = list(ElementTree.parse(path).iter("testcase"))
    except ElementTree.ParseError:
        return Count(failed=1), ()
    count, reasons = Count(), []
    for case in cases:
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            count += Count(failed=1)
        elif skip is not None:
            count += Count(skipped=1)
            reasons.append(skip.get("message") or "no reason given")
        else:
            count += Count(passed=1)
    return count, tuple(reasons)


def collect(folder: Path, sessions: Iterable[str]) -> list[Outcome]:
    """Return the outcome of each session that was asked for, in order.

    A session counts as its JUnit file says; without one (lint, typing) as one test. A session that nox
    calls failed while its file shows no failure, or that left no trace at all, is one failure more.
    """
    report = _read_report(folder / REPORT)
    return [_outcome(folder, session, report.get(session, {})) for session in sessions]


def total(outcomes: Iterable[Outcome]) -> Count:
    """Add up the counts of all sessions."""
    return sum((outcome.count for outcome in outcomes), Count())


def skip_reasons(outcomes: Iterable[Outcome]) -> list[str]:
    """Return each reason for a skip with how often it was given, most frequent first."""
    reasons = Counter(reason for outcome in outcomes for reason in outcome.skips)
    return [f"{times} x {reason}" for reason, times in reasons.most_common()]


def _read_report(path: Path) -> dict[str, dict[str, object]]:
    try:
        entries = json.loads(path.read_text())["sessions"]
    except (OSError, ValueError):
        return {}
    return {name: entry for entry in entries for name in entry["signatures"][:1] or [entry["name"]]}


def _outcome(folder: Path, session: str, entry: dict[str, object]) -> Outcome:
    status = str(entry.get("result", "did not run"))
    path = junit_file(folder, session)
    count, skips = read_junit(path) if path.exists() else (Count(), ())
    if status == "skipped":
        count, skips = count + Count(skipped=1), (*skips, f"{session}: {entry.get('reason')}")
    elif status != "success" and not count.failed:
        count += Count(failed=1)
    elif count == Count():
        count = Count(passed=1)
    return Outcome(session, count, status, float(str(entry.get("duration", 0.0))), skips)
