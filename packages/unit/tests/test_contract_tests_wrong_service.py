"""A service in which breaks of its contract are planted, and the same service without them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from pymacaron_unit.contract_tests.credentials import USER
from pymacaron_unit.contract_tests.regression import regression_file
from pymacaron_unit.contract_tests.setup import set_up
from pymacaron_unit.targets import UrlTarget
from serving import served
from wrong_service.library import write_contract
from wrong_service.service import BREAKS, KEY, make_app

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from pymacaron_unit.contract_tests.failures import Failure

pytestmark = pytest.mark.once


@contextmanager
def library(folder: Path, breaks: Collection[str] = ()) -> Iterator[UrlTarget]:
    """Serve the library with some breaks planted."""
    contract = write_contract(folder)
    with (
        pytest.MonkeyPatch.context() as patched,
        served(make_app(breaks)) as url,
        UrlTarget(url, [contract]) as target,
    ):
        patched.setenv("PYM_JWT_SECRET", KEY)
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


def test_every_failure_is_repeatable_and_small(found: list[Failure]) -> None:
    """Each failure showed again, and its request holds nothing that the fault does not need."""
    assert all(each.repeatable for each in found)
    (too_long,) = [each for each in found if each.operation.name == "createTag"]
    assert list(too_long.steps[-1].call.json()) == ["name"]
    assert 12 < len(too_long.steps[-1].call.json()["name"]) < 26
    (edge,) = [each for each in found if each.key == ("listRows", "server_error", "on a valid request")]
    assert edge.steps[-1].call.target == "/api/rows?limit=100"
    assert edge.steps[-1].call.headers == ()


def test_regression_tests_fail_until_the_service_is_right(
    pytester: pytest.Pytester, tmp_path: Path, found: list[Failure]
) -> None:
    """Each failure's regression test, pasted into a suite, fails on the wrong service and passes on the right one."""
    pytester.makepyfile(test_regressions=regression_file(found, USER))
    for breaks, outcome in ((BREAKS, "failed"), ((), "passed")):
        with library(tmp_path, breaks) as target:
            result = pytester.runpytest_subprocess(
                "-p",
                "no:cacheprovider",
                "--pym-target",
                target.base_url,
                "--pym-contract",
                str(tmp_path / "library.json"),
            )
        result.assert_outcomes(**{outcome: len(found)})


def test_finds_nothing_in_the_right_service(tmp_path: Path) -> None:
    """The same service without breaks gives no failure."""
    assert [each.describe() for each in findings(tmp_path, ())] == []
