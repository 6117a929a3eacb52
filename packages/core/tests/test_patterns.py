"""Which patterns Python's engine runs, and that it means by them what ECMA-262 does."""

from __future__ import annotations

import re
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pymacaron.codec.formats import Formats
from pymacaron.codec.lowering import build_validator
from pymacaron.codec.patterns import python_pattern

ATOMS = (
    "a",
    "b",
    "c",
    "-",
    "é",
    "😀",
    "[ab]",
    "[^a]",
    "[a-c]",
    "[^a-c-]",
    "[\\d]",
    "[\\w.-]",
    "\\d",
    "\\D",
    "\\w",
    "\\W",
    "\\.",
    "\\-",
    "\\/",
    "\\n",
    "\\t",
    "\\x61",
    "\\u00e9",
    ".",
    "\\s",
    "\\b",
    "[\\]\\\\]",
    " ",
)
QUANTIFIERS = ("", "", "", "*", "+", "?", "{2}", "{1,2}", "{2,}", "{0,1}")


def patterns() -> st.SearchStrategy[str]:
    """Draw patterns, those of the common kind mostly."""
    piece = st.builds(lambda a, q: a + q, st.sampled_from(ATOMS), st.sampled_from(QUANTIFIERS))
    inner = st.recursive(
        st.lists(piece, min_size=1, max_size=4).map("".join),
        lambda deeper: st.one_of(
            st.builds(lambda p, q: f"({p}){q}", deeper, st.sampled_from(QUANTIFIERS)),
            st.builds(lambda p, q: f"(?:{p}){q}", deeper, st.sampled_from(QUANTIFIERS)),
            st.builds(lambda a, b: f"(?:{a}|{b})", deeper, deeper),
            st.builds(lambda a, b: a + b, deeper, deeper),
        ),
        max_leaves=4,
    )
    anchored = st.builds(
        lambda start, p, end: start + p + end, st.sampled_from(("^", "^", "")), inner, st.sampled_from(("$", ""))
    )
    return st.one_of(anchored, st.builds(lambda a, b: f"{a}|{b}", anchored, anchored))


TEXTS = st.text(st.sampled_from("abc-é😀 ./\n\t1٣_]\\A"), max_size=8)


def validator(pattern: str) -> Any:
    """Return the other engine's judge of one pattern, in linear time where it can."""
    try:
        return jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=jsonschema_rs.RegexOptions())
    except ValueError:
        return jsonschema_rs.Draft202012Validator({"pattern": pattern})


@pytest.mark.once
@settings(max_examples=1000, deadline=None, database=None)
@given(patterns(), st.lists(TEXTS, min_size=5, max_size=15))
def test_both_engines_agree(pattern: str, texts: list[str]) -> None:
    """A pattern that Python's engine may run matches the very texts that jsonschema-rs finds it in."""
    translated = python_pattern(pattern)
    if translated is None:
        return
    other = validator(pattern)
    for text in texts:
        assert (re.search(translated, text) is not None) == other.is_valid(text), (pattern, translated, text)


@pytest.mark.parametrize(
    "pattern",
    [
        "^[A-Z]{3}-\\d+$",
        "^[a-z0-9]+(?:-[a-z0-9]+)*$",
        "^\\+?[1-9]\\d{1,14}$",
        "^(a|b)$",
        "^(?:foo|bar)$",
        "^#[0-9a-fA-F]{6}$",
        "a",
        "[0-9]{4}",
        "^$",
        "^\\w{1,64}$",
        "^[^/]+$",
    ],
)
def test_common_patterns_take_the_fast_path(pattern: str) -> None:
    """What contracts mostly say is run by Python's engine."""
    assert python_pattern(pattern) is not None


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "^(a+)+$",
        "^(a*)*$",
        "^(a|a)*$",
        "^(a|ab)*$",
        "^(a|aa)+$",
        "^(.*)*$",
        "^([a-zA-Z]+)*$",
        "^(a?){30}a{30}$",
        "^(?:a+){2,}$",
        "^(\\w+\\s?)*$",
        "^(\\d+)+x$",
        "^(x+x+)+y$",
        "^a*a*$",
        "^\\d+\\d+$",
        "^.*a",
        "^.*.*=.*$",
        "^[a-z]*[a-m]*$",
        "^(ab?)*(ba)*$",
        "a*b",
        "a+$",
        ".*x",
        "x*$",
        "[ab]*c",
        "(?:a|b)+$",
        "^a+|b+",
    ],
)
def test_patterns_that_backtrack_are_refused(pattern: str) -> None:
    """No pattern that can be exponential or polynomial, or that is searched for without an end, gets to it."""
    assert python_pattern(pattern) is None


@pytest.mark.parametrize(
    "pattern",
    [
        "(?=a)",
        "(?!a)b",
        "(?<=a)b",
        "(a)\\1",
        "(?<n>a)\\k<n>",
        "\\p{L}",
        "\\cA",
        "a*?",
        "a++",
        "(?i)a",
        "\\bfoo",
        "a^b",
        "a$b",
        "(^a)",
        "(a$)",
        "[a",
        "a)",
        "(a",
        "a{2,1}",
        "a{1001}",
        "[]",
        "[z-a]",
        "\\",
        "*a",
        "a**",
        "[\\d-z]",
        "\\ud83d",
        "\\u{61}",
        "\\x6",
        "\\A",
        "\\Z",
        "\\_",
    ],
)
def test_what_is_not_understood_is_refused(pattern: str) -> None:
    """Whatever is written differently for the two engines, or is no pattern, is left to the other one."""
    assert python_pattern(pattern) is None


def test_admitted_patterns_leave_no_choice() -> None:
    """In an admitted pattern the next character decides the next step, so a text is run through but once."""
    for first, second in (("[a-m]", "[m-z]"), ("\\d", "\\w"), ("[^a]", "b"), (".", "x"), ("\\W", "-")):
        assert python_pattern(f"^(?:{first}|{second})+$") is None
        assert python_pattern(f"^{first}*{second}$") is None
        assert python_pattern(f"^{first}?{second}$") is None
    for first, second in (("[a-m]", "[n-z]"), ("\\d", "[a-z]"), ("[^b]", "b"), ("\\w", "-")):
        assert python_pattern(f"^(?:{first}|{second})+$") is not None
        assert python_pattern(f"^{first}*{second}$") is not None


@pytest.mark.parametrize("pattern", ["^(a+)+$", "(x+x+)+y", "^(?=(a+)+b)", "^(a|aa)+\\1?$"])
def test_hostile_texts_come_to_an_end(pattern: str) -> None:
    """The other engine runs in linear time, or under a bound that makes a text no match."""
    made = build_validator({"type": "string", "pattern": pattern}, Formats(), modern=True)
    assert made.is_valid("a" * 50_000 + "!") is False


def test_no_pattern_at_all_breaks_the_parser() -> None:
    """Deep nesting and long patterns are refused, not run into."""
    assert python_pattern("(" * 5000 + "a" + ")" * 5000) is None
    assert python_pattern("a" * 100_000) is None


@settings(max_examples=500, deadline=None, database=None)
@given(st.text(st.sampled_from("ab^$.*+?{}()[]|\\-,12dDwWsx:=!<u"), max_size=12))
def test_any_text_is_judged(pattern: str) -> None:
    """Any text is a pattern for Python's engine, or is none; what is admitted compiles and agrees with ECMA-262's."""
    translated = python_pattern(pattern)
    if translated is not None:
        other = validator(pattern)
        for text in ("", "a", "ab", "aab", "1", "b-", "\n", "a\n", "]", "dD", "x:=!<u"):
            assert (re.search(translated, text) is not None) == other.is_valid(text), (pattern, translated, text)
