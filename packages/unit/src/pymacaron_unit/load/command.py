"""The command ``pym load``."""

from __future__ import annotations

import math
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..exceptions import TargetError, UnitError
from .guard import check_host

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..targets import Target
    from .goals import Goal
    from .report import Report

#: Bounds that no option lifts: this is to measure a service, not to bring it down.
MAX_RATE = 5_000.0
MAX_DURATION = 600.0
MAX_REQUESTS = 1_000_000
MAX_CONCURRENCY = 1_000
MAX_TIMEOUT = 60.0
FAILED = 1
CANNOT_RUN = 2
INTERRUPTED = 130


class CannotRun(click.ClickException):
    """There is nothing to load, or it may not be."""

    exit_code = CANNOT_RUN


class _Number(click.FloatRange):
    """A number from 0 to a maximum; NaN, which no comparison keeps out, is none."""

    def __init__(self, maximum: float, zero: bool = False) -> None:
        super().__init__(0, maximum, min_open=not zero)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is no number.", param, ctx)
        return number


def _goals(_context: click.Context, _parameter: click.Parameter, texts: Sequence[str]) -> list[Goal]:
    from .goals import GoalError, parse_goal

    try:
        return [parse_goal(text) for text in texts]
    except GoalError as error:
        raise click.BadParameter(str(error)) from None


def _headers(_context: click.Context, _parameter: click.Parameter, texts: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition(":") for text in texts]
    if wrong := next((text for text, (name, colon, _) in zip(texts, pairs, strict=True) if not (name and colon)), None):
        raise click.BadParameter(f"{wrong!r} is no header; write 'Name: value'")
    return {name.strip(): value.strip() for name, _, value in pairs}


@click.command(name="load")
@click.option("--rate", type=_Number(MAX_RATE), required=True, help="Calls a second.")
@click.option("--duration", type=_Number(MAX_DURATION), default=10.0, show_default=True, help="Seconds measured.")
@click.option(
    "--operation",
    "operations",
    multiple=True,
    metavar="NAME",
    help="Call this operation, whatever its method; several allowed. Without it, all that are GET or HEAD.",
)
@click.option("--target", default=".", show_default=True, help="A URL, the folder of a service, or an image.")
@click.option(
    "--contract",
    "contracts",
    multiple=True,
    type=click.Path(exists=True),
    help="An OpenAPI file, or a folder of them, in place of those that the target is found to have.",
)
@click.option(
    "--warmup",
    type=_Number(MAX_DURATION, zero=True),
    default=1.0,
    show_default=True,
    help="Seconds at the same rate before, which are not measured.",
)
@click.option("--poisson", is_flag=True, help="Calls come by chance at this rate, not evenly.")
@click.option(
    "--concurrency-limit",
    "limit",
    type=click.IntRange(1, MAX_CONCURRENCY),
    default=256,
    show_default=True,
    help="Calls under way at once; further ones wait, and are counted as late.",
)
@click.option(
    "--timeout", type=_Number(MAX_TIMEOUT), default=10.0, show_default=True, help="Seconds until a call is given up."
)
@click.option(
    "--max-requests",
    type=click.IntRange(1, MAX_REQUESTS),
    default=100_000,
    show_default=True,
    help="End after so many calls, with those of the warm-up.",
)
@click.option(
    "--values",
    "values",
    type=click.Path(exists=True, dir_okay=False),
    help="YAML: values of parameters by name, such as ids that exist; a list is one after another.",
)
@click.option("--user", help="Send a token of this user where an operation asks for one.")
@click.option(
    "--header",
    "headers",
    multiple=True,
    callback=_headers,
    metavar="'NAME: VALUE'",
    help="Send this header with every call; several allowed.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of everything that is chosen by chance.")
@click.option("--svg", type=click.Path(dir_okay=False, writable=True), help="Draw latencies and rate into this file.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, writable=True), help="Write all figures.")
@click.option(
    "--assert",
    "goals",
    multiple=True,
    callback=_goals,
    metavar="GOAL",
    help="Fail unless it holds: p99<200ms, errors<1%, rate>=190; several allowed.",
)
@click.option("--no-ssl-check", is_flag=True, help="Take any certificate.")
@click.option("--allow-unsafe", is_flag=True, help="Call operations that change something too.")
@click.option(
    "--allow-remote",
    metavar="HOST",
    help="Allow a target that is not on this machine; repeat its host name, and only if you may load it.",
)
def load(target: str, svg: str | None, json_file: str | None, goals: list[Goal], **options: Any) -> int:
    """Call a service at a fixed rate and report latencies as its callers would see them.

    Requests are made from the contract. Each latency counts from the moment at which its call was due, whether or not
    the service kept up (corrected for coordinated omission). The exit status is 1 where a goal of --assert fails, 2
    where nothing can be loaded, and 130 after an interrupt, which ends the run early and still reports.

    Bounds that no option lifts: 5000 calls a second, 600 s, 1,000,000 calls, 1000 at once, 60 s for a call.
    """  # fmt: skip
    with _told():
        report = _measure(target, **options)
        verdicts = [goal.judge(report) for goal in goals]
        click.echo(report.as_text(verdicts))
        if json_file:
            Path(json_file).write_text(report.as_json(verdicts))
        if svg:
            from .chart import draw

            Path(svg).write_text(draw(report))
    if report.interrupted:
        return INTERRUPTED
    return 0 if all(verdict.met for verdict in verdicts) else FAILED


def _measure(
    text: str, *, contracts: Sequence[str], no_ssl_check: bool, allow_remote: str | None, **options: Any
) -> Report:
    """Start the target, load it, and stop it again."""
    from ..targets import open_target
    from ..targets.app import AppTarget

    target = open_target(text, contracts, verify=not no_ssl_check)
    if isinstance(target, AppTarget):
        raise TargetError(f"{target.describe()} has no socket to load; give the folder of the service, such as .")
    if target.base_url:
        check_host(target.base_url, allow_remote)
    with target:
        check_host(target.base_url, allow_remote)
        return _load(target, verify=not no_ssl_check, **options)


def _load(
    target: Target,
    *,
    operations: Sequence[str],
    allow_unsafe: bool,
    values: str | None,
    user: str | None,
    headers: Mapping[str, str],
    limit: int,
    timeout: float,
    verify: bool,
    max_requests: int,
    **timing: Any,
) -> Report:
    from .calls import calls_of, choose
    from .run import run
    from .schedule import Schedule
    from .values import check_values, read_values

    schedule = Schedule(maximum=max_requests, **timing)
    contracts = target.contracts()
    if contracts is None:
        raise UnitError(
            "pym load makes its calls from a contract, which pymacaron reads: pip install pymacaron-unit[load]"
        )
    chosen = choose(contracts, operations, allow_unsafe)
    given = read_values(Path(values)) if values else {}
    check_values(chosen, given)
    calls = calls_of(target, chosen, values=given, user=user, headers=headers, seed=schedule.seed)
    return run(target.describe(), calls, contracts, schedule, limit=limit, timeout=timeout, verify=verify)


@contextmanager
def _told() -> Iterator[None]:
    """Turn this package's errors, and a missing extra, into the command's."""
    try:
        yield
    except UnitError as error:
        raise CannotRun(str(error)) from error
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("aiohttp", "hdrh", "pymacaron", "yaml", "yarl"):
            raise
        raise CannotRun(
            f"there is no {error.name}, which pym load needs: pip install 'pymacaron-unit[load]'"
        ) from error
