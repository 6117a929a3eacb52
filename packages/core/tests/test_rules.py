"""Rules that are compiled late behave as Flask's own."""

from __future__ import annotations

import pytest
from flask import Flask, url_for
from werkzeug.routing import BuildError, Rule

from pymacaron.flaskapp.rules import LazyRule, lazy_rules


def _app(lazy: bool) -> Flask:
    app = Flask(__name__)
    if lazy:
        with lazy_rules(app):
            app.add_url_rule("/pets/<p0>/toys", "toys", lambda p0: p0)
    else:
        app.add_url_rule("/pets/<p0>/toys", "toys", lambda p0: p0)
    return app


def test_urls_are_built_as_by_flask() -> None:
    """A URL for an operation is built with its arguments quoted and further ones in the query."""
    built = []
    for lazy in (False, True):
        app = _app(lazy)
        with app.test_request_context():
            built.append([url_for("toys", p0="a b/ü"), url_for("toys", p0="x", page=2), url_for("toys", p0="x")])
            with pytest.raises(BuildError):
                url_for("toys")
    assert built[0] == built[1]


def test_rules_of_others_stay_as_they_are() -> None:
    """Only rules added in the block are lazy, and a rule class of the app's own is kept."""
    app = _app(lazy=True)
    app.add_url_rule("/own", "own", lambda: "")
    assert {type(rule) for rule in app.url_map.iter_rules("toys")} == {LazyRule}
    assert {type(rule) for rule in app.url_map.iter_rules("own")} == {Rule}

    class OwnRule(Rule):
        pass

    other = Flask(__name__)
    other.url_rule_class = OwnRule
    with lazy_rules(other):
        other.add_url_rule("/x", "x", lambda: "")
    assert {type(rule) for rule in other.url_map.iter_rules("x")} == {OwnRule}
