"""The fixture ``api_stub``, in test runs of their own."""

from __future__ import annotations

import json

import pytest

from stubbed import LOGIN

CALL = """
import requests

def send(stub, user):
    requests.post(stub.url + "/tokens", json={"user": user, "password": "x"})
"""


def run(pytester: pytest.Pytester, test: str, *options: str) -> pytest.RunResult:
    """Run one file of tests beside the contract of a service."""
    pytester.mkdir("apis").joinpath("login.json").write_text(json.dumps(LOGIN))
    pytester.makepyfile(CALL + test)
    return pytester.runpytest(*options)


def test_passes_where_calls_are_right(pytester: pytest.Pytester) -> None:
    """A test whose calls follow the contract passes, and each test has a stub of its own."""
    result = run(
        pytester,
        """
def test_one(api_stub):
    login = api_stub("login")
    send(login, "bob")
    assert len(login.calls) == 1
def test_two(api_stub):
    assert api_stub("login").calls == []
""",
    )
    result.assert_outcomes(passed=2)


def test_fails_where_calls_are_wrong(pytester: pytest.Pytester) -> None:
    """A test that leads to a wrong call fails, not its teardown, and tells the call."""
    result = run(pytester, 'def test_one(api_stub):\n    send(api_stub("login"), "b")\n')
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["calls to 'login' are not what its contract says:", "*body /user*", "*repeat it with: curl*"]
    )


def test_fails_where_a_call_is_missing(pytester: pytest.Pytester) -> None:
    """A test that demands a call which is not made fails."""
    result = run(pytester, 'def test_one(api_stub):\n    api_stub("login").createToken.expects(times=1)\n')
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*createToken was called never; expected was once"])


def test_the_first_failure_stays(pytester: pytest.Pytester) -> None:
    """A test that failed by itself shows that failure, and what the stub tells in a section."""
    result = run(pytester, 'def test_one(api_stub):\n    send(api_stub("login"), "b")\n    assert 1 == 2\n')
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *assert 1 == 2", "*api_stub*", "*body /user*"])


def test_skipped_tests_stay_skipped(pytester: pytest.Pytester) -> None:
    """A test that skips itself is not failed by its stub."""
    result = run(
        pytester, 'import pytest\ndef test_one(api_stub):\n    send(api_stub("login"), "b")\n    pytest.skip()\n'
    )
    result.assert_outcomes(skipped=1)


@pytest.mark.once
def test_parallel(pytester: pytest.Pytester) -> None:
    """Stubs of several workers do not meet."""
    test = """
import pytest

@pytest.mark.parametrize("number", range(6))
def test_one(api_stub, number):
    login = api_stub("login")
    send(login, "bob")
    assert len(login.calls) == 1
"""
    run(pytester, test, "-n", "2").assert_outcomes(passed=6)
