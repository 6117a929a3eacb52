"""The contract tests itself: requests made from the contract, valid and invalid, and every answer checked.

Needs ``pip install pymacaron-unit[fuzz]``; Schemathesis is imported when a run starts, and only in
:mod:`~pymacaron_unit.contract_tests.generating`.
"""

from __future__ import annotations

import random
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..exceptions import UnitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pymacaron.contract import Operation

    from .failures import Failures
    from .running import Run, Subject
    from .sending import Target

__all__ = ["run"]

_SHOWN = 5


def run(
    target: Target,
    *,
    seconds: float = 60,
    operations: Iterable[str] | None = None,
    seed: int | None = None,
    user: str | None = None,
    junit: str | Path | None = None,
    regression_file: str | Path | None = None,
    seed_file: str | Path | None = None,
    enable: Iterable[str] = (),
    examples: int = 200,
    echo: Callable[[str], None] = click.echo,
) -> int:
    """Test a service by its contracts.

    Args:
        target: the service; started already.
        seconds: that the run may take.
        operations: names of those that are tested; all where it is None.
        seed: of all that is random; the same seed sends the same requests.
        user: whose tokens are sent.
        junit: where a report in JUnit's XML is written.
        regression_file: where the regression tests of all failures are written.
        seed_file: gives values that cannot be made up; see :mod:`~pymacaron_unit.contract_tests.seeds`. Where it is
            None, ``tests/contract_seed.py`` or ``contract_seed.py`` in the working folder.
        enable: classes of false alarms to report as well; see :mod:`~pymacaron_unit.contract_tests.false_alarms`.
        examples: how many random requests each operation gets at most.
        echo: prints a line.

    Returns:
        The exit status: 0 where nothing was found, 1 where failures were, 2 where the tests cannot run.
    """
    missing = [name for name in ("pymacaron", "schemathesis") if find_spec(name) is None]
    if missing:
        echo(f"the contract tests need {' and '.join(missing)}: pip install pymacaron-unit[fuzz]")
        return 2
    from .setup import set_up

    seed = random.randrange(2**32) if seed is None else seed
    started = time.monotonic()
    try:
        made = set_up(target, seconds, operations, seed, user, seed_file, enable, examples, echo)
    except UnitError as error:
        echo(f"the contract tests cannot run: {error}")
        return 2
    echo(f"contract tests of {target.describe()}: {len(made.subjects)} operations, {seconds:g} seconds, seed {seed}")
    tested = list(made.subjects)
    stopped = _run(made)
    failures = made.inspector.failures
    took = time.monotonic() - started
    _report(made, failures, made.inspector.sender.credentials.user, echo)
    _write(failures, tested, junit, regression_file, made.inspector.sender.credentials.user, took)
    if stopped is not None:
        echo(f"stopped: {stopped}")
    echo(f"{made.inspector.sender.count} calls in {took:.1f} s, {len(failures)} failures; repeat it with --seed {seed}")
    return 1 if len(failures) else 2 if stopped is not None else 0


def _run(made: Run) -> UnitError | None:
    """Run to the end; return what stopped it before. What was found until then is reported."""
    from .generating import own_storage

    try:
        with own_storage():
            made.run()
    except UnitError as error:
        return error
    except KeyboardInterrupt:
        return UnitError("interrupted")
    return None


def _report(made: Run, failures: Failures, user: str, echo: Callable[[str], None]) -> None:
    from .regression import regression_test

    shown: dict[tuple[str, str], int] = {}
    for number, failure in enumerate(failures.all(), 1):
        key = failure.key[:2]
        shown[key] = shown.get(key, 0) + 1
        if shown[key] > _SHOWN:
            continue
        echo(f"\n{number}. {failure.describe()}\n\na regression test:\n\n{regression_test(failure, user)}")
    for (operation, check), count in shown.items():
        if count > _SHOWN:
            echo(f"… and {count - _SHOWN} more {check} of {operation}")
    for note in made.notes:
        echo(f"note: {note}")
    never = [each.operation.name for each in made.subjects if not made.inspector.succeeded[each.operation.name]]
    if never:
        echo(f"note: never answered with success: {', '.join(never)}; give values that exist in contract_seed.py")


def _write(
    failures: Failures,
    tested: Iterable[Subject],
    junit: str | Path | None,
    regressions: str | Path | None,
    user: str,
    seconds: float,
) -> None:
    """Write the files that are asked for, and their folders."""
    from .junit import write_junit
    from .regression import regression_file

    for path in (junit, regressions):
        if path is not None:
            Path(path).absolute().parent.mkdir(parents=True, exist_ok=True)
    if junit is not None:
        by_contract: dict[str, list[Operation]] = {}
        for each in tested:
            by_contract.setdefault(each.contract.name, []).append(each.operation)
        write_junit(Path(junit), by_contract, failures.all(), seconds)
    if regressions is not None:
        Path(regressions).write_text(regression_file(failures.all(), user), "utf-8")
