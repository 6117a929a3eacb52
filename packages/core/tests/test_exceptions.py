"""The tree of errors, errors of a service's own, and errors that other services answer with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from pymacaron import exceptions, is_error
from pymacaron.exceptions import (
    AuthTokenExpiredError,
    ClientError,
    ConfigError,
    PyMacaronException,
    ValidationError,
    add_error,
    describe,
    error_from_body,
    fault,
    phrase,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINE = re.compile(r"^([│ ]*)(?:[├└]── )?(\w+(?:Error|Exception)) +(\(.*\)|[A-Z_]*) *(\d*)$")


def drawn() -> Iterator[tuple[str, str, str, str]]:
    """Yield name, parent, code and status of each line of the docstring's tree; empty where none is shown."""
    above: list[str] = []
    for line in (exceptions.__doc__ or "").splitlines():
        text = line.removeprefix("    ")
        found = _LINE.match(text) or _LINE.match(f"{text} ")
        if found is None:
            continue
        depth = text.index(found[2]) // 4
        above[depth:] = [found[2]]
        yield found[2], above[depth - 1] if depth else "", found[3] if found[3][:1] != "(" else "", found[4]


def real(base: type[PyMacaronException]) -> Iterator[type[PyMacaronException]]:
    """Yield a class and all that extend it in its module; those that services define have no docstring."""
    yield base
    for child in base.__subclasses__():
        if child.__module__ == base.__module__ and child.__doc__ is not None:
            yield from real(child)


def test_docstring_draws_the_real_tree() -> None:
    """Each class stands in the drawing below its base, with its code and its status."""
    tree = {name: (parent, code, status) for name, parent, code, status in drawn()}
    classes = {cls.__name__: cls for cls in real(PyMacaronException)}
    assert tree.keys() == classes.keys()
    for name, (parent, code, status) in tree.items():
        cls = classes[name]
        assert parent in ("", *(base.__name__ for base in cls.__bases__)), name
        assert code in ("", cls.code), name
        assert status in ("", str(cls.status)), name


def test_codes_of_the_interface() -> None:
    """The codes and statuses that services are written against."""
    assert {
        code: exceptions._by_code[code].status
        for code in (
            "INVALID_PARAMETER", "AUTHORIZATION_HEADER_MISSING", "TOKEN_EXPIRED", "TOKEN_INVALID", "NO_SUCH_ENDPOINT",
            "METHOD_NOT_ALLOWED", "REQUEST_TIMEOUT", "SERVER_ERROR", "BAD_RESPONSE", "INTERNAL_VALIDATION_ERROR",
        )
    } == {
        "INVALID_PARAMETER": 400, "AUTHORIZATION_HEADER_MISSING": 401, "TOKEN_EXPIRED": 401, "TOKEN_INVALID": 401,
        "NO_SUCH_ENDPOINT": 404, "METHOD_NOT_ALLOWED": 405, "REQUEST_TIMEOUT": 408, "SERVER_ERROR": 500,
        "BAD_RESPONSE": 500, "INTERNAL_VALIDATION_ERROR": 500,
    }  # fmt: skip


def test_one_error_may_differ_from_its_class() -> None:
    """Code, status, user message and headers can be given for one error alone."""
    error = PyMacaronException("m", user_message="u", code="C", status=418, headers={"X": "1"})
    assert (error.message, error.user_message, error.code, error.status, error.headers) == (
        "m", "u", "C", 418, {"X": "1"},
    )  # fmt: skip
    assert (PyMacaronException.code, PyMacaronException.status, PyMacaronException().message) == (
        "SERVER_ERROR", 500, "SERVER_ERROR",
    )  # fmt: skip


def test_add_error_defines_a_class() -> None:
    """An error of one's own is reachable in the module, and defining it again gives the same class."""
    made = add_error(name="OutOfStock", code="OUT_OF_STOCK", status=409)
    assert vars(exceptions)["OutOfStock"] is made
    assert (made("gone").status, made("gone").code, str(made("gone"))) == (409, "OUT_OF_STOCK", "gone")
    assert add_error(name="OutOfStock", code="OUT_OF_STOCK", status=409) is made


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "X", "code": "X"}, "all three must be set"),
        ({"code": "X", "status": 400}, "all three must be set"),
        ({"name": "X", "code": "X", "status": 200}, "status 200 of X is no error status; use 400 to 599"),
        ({"name": "X", "code": "SERVER_ERROR", "status": 500}, "'SERVER_ERROR' is taken"),
        ({"name": "ServerError", "code": "Y", "status": 500}, "'ServerError' or the code 'Y' is taken"),
        ({"name": "fault", "code": "Z", "status": 500}, "'fault' or the code 'Z' is taken"),
    ],
)
def test_add_error_refuses(arguments: dict[str, Any], message: str) -> None:
    """An error needs a name, a code and a status of its own."""
    with pytest.raises(ConfigError, match=message):
        add_error(**arguments)


class Answer:
    status, error = 404, "NOT_FOUND"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (ValueError(), True),
        (ValidationError("x"), True),
        ({"status": 400, "error": "X"}, True),
        (Answer(), True),
        ({"status": 200, "error": "X"}, False),
        ({"error": "X"}, False),
        ({}, False),
        (None, False),
        ("error", False),
    ],
)
def test_is_error(value: object, told: bool) -> None:
    """Exceptions and error bodies, as dict or object, are errors; all else is none."""
    assert is_error(value) is told


def test_error_from_body_finds_the_class() -> None:
    """A body with a known code becomes an error of that class, with the status that came."""
    body = {"status": 401, "error": "TOKEN_EXPIRED", "error_description": "too old", "user_message": "Log in again"}
    error = error_from_body(401, body)
    assert isinstance(error, AuthTokenExpiredError)
    assert (error.message, error.user_message, error.status) == ("too old", "Log in again", 401)


def test_error_from_body_understands_problem_details() -> None:
    """Problem details of RFC 9457 are read as well, faults included."""
    faults = [fault("query", "/x", "type", "no")]
    error = error_from_body(400, {"code": "INVALID_PARAMETER", "detail": "x is wrong", "errors": faults})
    assert isinstance(error, ValidationError)
    assert (error.message, error.errors) == ("x is wrong", faults)


def test_error_from_body_of_another_service() -> None:
    """A code that nobody defined here becomes a ClientError that keeps it."""
    error = error_from_body(409, {"error": "SOLD_OUT"})
    assert type(error) is ClientError
    assert (error.code, error.status, error.message) == ("SOLD_OUT", 409, "SOLD_OUT")


@pytest.mark.parametrize("body", [None, [], "x", {}, {"error": {"code": 1}}, {"code": 5}])
def test_error_from_body_of_something_else(body: Any) -> None:
    """What is no error body makes no error."""
    assert error_from_body(500, body) is None


@pytest.mark.parametrize("code", ["CONFIG_ERROR", "MODEL_ERROR", "INVALID_PARAMETER", "CALL_TIMEOUT", "FORBIDDEN"])
def test_error_from_body_makes_every_class(code: str) -> None:
    """Each code of the tree can come back from another service."""
    error = error_from_body(500, {"error": code, "error_description": "d", "errors": "none"})
    assert error is not None
    assert (error.code, error.status, list(error.errors)) == (code, 500, [])


def test_describe_shows_the_first_three() -> None:
    """The sentence of an error with many faults names three of them and counts the rest."""
    faults = [fault("body", f"/{i}", "type", "no") for i in range(5)]
    assert describe(faults) == "body /0: no; body /1: no; body /2: no; and 2 more"


def test_phrase() -> None:
    """A status has its reason phrase; one that nobody registered is just an error."""
    assert (phrase(404), phrase(599)) == ("Not Found", "Error")
