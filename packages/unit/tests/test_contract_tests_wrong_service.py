"""A service in which breaks of its contract are planted, and the same service without them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from pymacaron_unit.contract_tests.setup import set_up
from pymacaron_unit.targets import UrlTarget
from serving import served
from wrong_service.library import write_contract
from wrong_service.service import BREAKS, make_app, token

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from pymacaron_unit.contract_tests.failures import Failure


class LibraryTarget(UrlTarget):
    """The library at a URL."""

    def token(self, user_id: str | None, scopes: Iterable[str] = (), data: Any = None, expire_in: Any = None) -> str:
        return token(user_id or "", list(scopes))


@contextmanager
def library(folder: Path, breaks: Collection[str] = ()) -> Iterator[LibraryTarget]:
    """Serve the library with some breaks planted."""
    contract = write_contract(folder)
    with served(make_app(breaks)) as url, LibraryTarget(url, [contract]) as target:
        yield target


def findings(folder: Path, breaks: Collection[str]) -> list[Failure]:
    """Return what the contract tests find in the library."""
    with library(folder, breaks) as target:
        run = set_up(target, 300, None, 7, None, None, (), 20, lambda _: None)
        run.run()
        assert not run.notes
        return run.inspector.failures.all()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Failure]:
    """What is found where all breaks are planted."""
    return findings(tmp_path_factory.mktemp("wrong"), BREAKS)


@pytest.mark.parametrize("name", BREAKS)
def test_finds_each_planted_break(name: str, found: list[Failure]) -> None:
    """Each break is found at its operation, by its check, and at its place."""
    operation, check, place = BREAKS[name]
    assert [each for each in found if each.key[:2] == (operation, check) and place in each.fault.location]


def test_finds_nothing_but_what_is_planted(found: list[Failure]) -> None:
    """Every failure is one of the breaks."""
    planted = {(operation, check) for operation, check, _ in BREAKS.values()}
    assert {each.key[:2] for each in found} == planted


def test_finds_nothing_in_the_right_service(tmp_path: Path) -> None:
    """The same service without breaks gives no failure."""
    assert [each.describe() for each in findings(tmp_path, ())] == []
