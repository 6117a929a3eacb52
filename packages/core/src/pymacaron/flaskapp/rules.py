"""Routes of werkzeug that make their URL builders when one is first asked for.

Werkzeug compiles two functions for each rule when it is added, which for a contract of 1,000 operations is half of the
start; most services never build a URL.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from werkzeug.routing import Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask


class LazyRule(Rule):
    """A rule whose builders are compiled at their first call."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., Any]:
        compiled: list[Callable[..., Any]] = []

        def build(rule: Rule, *args: Any, **kwargs: Any) -> Any:
            if not compiled:
                compiled.append(Rule._compile_builder(self, append_unknown))
            return compiled[0](rule, *args, **kwargs)

        return build


@contextmanager
def lazy_rules(app: Flask) -> Iterator[None]:
    """Let the rules that an app gets inside a ``with`` block be lazy, unless the app has a rule class of its own."""
    before = app.url_rule_class
    if before is Rule:
        app.url_rule_class = LazyRule
    try:
        yield
    finally:
        app.url_rule_class = before
