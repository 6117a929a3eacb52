"""The lowest versions that ranges allow."""

from __future__ import annotations

import pytest

from tools import minimums


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("flask>=3.0.3,<4", "flask==3.0.3"),
        ("pyjwt[crypto]>=2.9,<3", "pyjwt[crypto]==2.9"),
        ("a~=1.4", "a==1.4"),
        ("a==1.4", "a==1.4"),
        ("a>=1,>=1.2,!=1.3", "a==1.2"),
        ('a>=1; python_version < "3.12"', 'a==1; python_version < "3.12"'),
    ],
)
def test_pin(requirement: str, expected: str) -> None:
    """The lower bound becomes the version; extras and markers stay."""
    assert minimums.pin(requirement) == expected


@pytest.mark.parametrize("requirement", ["flask", "flask<4"])
def test_range_without_a_lower_bound(requirement: str) -> None:
    """Nothing to pin: the requirement is named."""
    with pytest.raises(minimums.MinimumError, match=f"'{requirement}' has no lower bound"):
        minimums.pin(requirement)


def test_pins_of_one_distribution_are_merged() -> None:
    """Core and extras may require the same thing: once, at the version that satisfies all, with all its extras."""
    assert minimums.pins(["flask>=3.0", "Flask[async]>=3.1,<4", "click>=8"]) == ["flask[async]==3.1", "click==8"]
