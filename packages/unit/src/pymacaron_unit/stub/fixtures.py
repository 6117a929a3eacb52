"""What the stubs add to pytest: the fixture ``api_stub``, and the check at the end of each test that used it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from . import api_stub as make_stub

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from .stub import ApiStub

STUBS = pytest.StashKey[list["ApiStub"]]()


@pytest.fixture
def api_stub(request: pytest.FixtureRequest) -> Iterator[Callable[..., ApiStub]]:
    """Serve stubs of other services: ``login = api_stub("login")``; see :func:`pymacaron_unit.stub.api_stub`.

    The test fails at its end where a stub was sent what its contract does not allow.
    """
    if "api" in request.fixturenames:
        request.getfixturevalue("api")  # An app in this process reads its own configuration first.
    stubs = request.node.stash.setdefault(STUBS, [])
    with ExitStack() as cleanups:

        def serve(name: str, contract: str | Path | dict[str, Any] | None = None, *, port: int = 0) -> ApiStub:
            stub = make_stub(name, contract, port=port).start()
            cleanups.callback(stub.stop)
            stubs.append(stub)
            return stub

        yield serve


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Check the stubs of a test when it has run; where it failed by itself, show in its report what they tell."""
    try:
        result = yield
    except BaseException:
        told = _broken(item)
        if told:
            item.add_report_section("call", "api_stub", told)
        raise
    told = _broken(item)
    if told:
        pytest.fail(told, pytrace=False)
    return result


def _broken(item: pytest.Item) -> str:
    return "\n".join(filter(None, (stub.broken() for stub in item.stash.get(STUBS, []))))
