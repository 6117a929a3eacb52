"""The table of differences between the engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from differences import DIFFERENCES, as_markdown, differs
from engines import NAMES, Engine


def test_every_difference_is_one_that_a_test_shows() -> None:
    """Each entry is of an engine that the tests run on, stands there once, and is asked for by a test."""
    texts = [file.read_text() for file in Path(__file__).parent.glob("test_*.py")]
    assert len({(found.engine, found.what) for found in DIFFERENCES}) == len(DIFFERENCES)
    for found in DIFFERENCES:
        assert found.engine in NAMES
        assert any(f'engine, "{found.what}")' in text for text in texts), f"no test asks for {found.what!r}"


def test_a_difference_that_is_not_listed(tmp_path: Path) -> None:
    """A test cannot ask for what does not stand in the table."""
    with pytest.raises(AssertionError, match="no difference is called 'colour'"):
        differs(Engine("moto", tmp_path), "colour")


def test_markdown() -> None:
    """The documentation's table has a row for each difference."""
    assert len(as_markdown().splitlines()) == len(DIFFERENCES) + 2
