"""JUnit XML, as continuous integration reads it: one test case for each operation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pymacaron.contract import Operation

    from .failures import Failure

# XML 1.0, section 2.2: what no document can hold.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(
    path: Path, operations: Mapping[str, Iterable[Operation]], failures: Iterable[Failure], seconds: float
) -> None:
    """Write a report.

    Args:
        path: of the file.
        operations: what was tested, by the contract's name.
        failures: what was found.
        seconds: that the run took.
    """
    found = list(failures)
    suites = ElementTree.Element("testsuites", name="contract tests", time=f"{seconds:.3f}")
    for name, tested in operations.items():
        suite = ElementTree.SubElement(suites, "testsuite", name=name)
        count = broken = 0
        for operation in tested:
            own = [each for each in found if each.operation is operation]
            case = ElementTree.SubElement(suite, "testcase", classname=name, name=operation.name)
            for failure in own:
                entry = ElementTree.SubElement(case, "failure", type=failure.fault.check, message=_text(failure.title))
                entry.text = _text(failure.describe())
            count, broken = count + 1, broken + bool(own)
        suite.set("tests", str(count))
        suite.set("failures", str(broken))
    ElementTree.indent(suites)
    path.write_bytes(ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True))


def _text(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
