"""The commands ``pym test`` and ``pym load``, and ``pymtest``, which needs no PyMacaron to test a URL."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click
from click.exceptions import Exit

from .choosing import DEFAULT_PORT, Wanted, choose
from .exceptions import UnitError
from .load.command import load
from .runner import Run, run_tests, started

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["load", "pymtest", "test"]

CANNOT_RUN = 2
_INTERRUPTED = 130
_RUNNER_ARGUMENTS = "pymacaron_unit.runner_arguments"


def say(text: str) -> None:
    """Tell what is being done, on standard error."""
    click.echo(f"pym: {text}", err=True)


class CannotRun(click.ClickException):
    """There is nothing to test, or it cannot be tested."""

    exit_code = CANNOT_RUN

    def show(self, file: Any = None) -> None:
        """Print the message as it is: it may hold the lines of a log."""
        say(self.message)


class _TestCommand(click.Command):
    """A command whose arguments after ``--`` are pytest's."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            place = args.index("--")
            args, ctx.meta[_RUNNER_ARGUMENTS] = args[:place], args[place + 1 :]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[-- PYTEST_ARGUMENTS...]"]

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UnitError as error:
            raise CannotRun(str(error)) from error


@click.command(cls=_TestCommand)
@click.argument("paths", nargs=-1, metavar="[PATHS]...")
@click.option(
    "--target",
    metavar="TEXT",
    help="What is tested: app (the app in the tests' own process), module:attribute, a URL, the folder of a service"
    " or the name of an image.",
)
@click.option("--host", metavar="HOST", help="Test what answers at this host; https on port 443.")
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(1, 65535),
    help=f"Its port. Without --host: test what answers on this port here, else start the service on it"
    f" [default: {DEFAULT_PORT}, else a free one].",
)
@click.option("--image", metavar="NAME", help="Run this image in a container and test that.")
@click.option("--env", metavar="NAME", help="Value for PYM_ENV, which picks pym-config.<env>.yaml.")
@click.option("--no-ssl-check", is_flag=True, help="Take any certificate of the target.")
@click.option("--no-stop", is_flag=True, help="Leave running what was started, and say how to stop it.")
@click.option(
    "--contract-file",
    metavar="FILE",
    multiple=True,
    help="A contract of the target, or a folder of them, in place of those that are found.",
)
@click.option("--loop", is_flag=True, help="Run the tests again and again until they fail.")
@click.option("--gen-token", is_flag=True, help="Give the tests a token of default_user_id, in PYM_JWT_TOKEN.")
@click.option("--nocapture", is_flag=True, help="Show what the tests print.")
@click.option("--junit", metavar="FILE", help="Write a report in JUnit's XML.")
@click.option("--cov", is_flag=True, help="Measure what of the contract the tests exercise.")
@click.option("--cov-report", metavar="KIND", multiple=True, help="table, full, json:FILE or html:FOLDER.")
@click.option("--cov-fail-under", metavar="PERCENT", type=float, help="Fail where less of the contract is exercised.")
@click.option("--cov-append", is_flag=True, help="Add to the coverage of earlier runs.")
@click.option("--contract", is_flag=True, help="Let the contract make the tests (pip install pymacaron-unit[fuzz]).")
@click.option(
    "--time",
    "seconds",
    metavar="SECONDS",
    type=click.FloatRange(1),
    default=60,
    help="With --contract: for how long [default: 60].",
)
@click.option("--seed", metavar="NUMBER", type=int, help="With --contract: repeat the run that had this seed.")
@click.option("--operation", metavar="NAME", multiple=True, help="With --contract: test this operation alone.")
@click.option("--user", metavar="USER_ID", help="With --contract: whose tokens are sent.")
@click.option("--seed-file", metavar="FILE", help="With --contract: values that cannot be made up.")
@click.option("--enable", metavar="CLASS", multiple=True, help="With --contract: report these false alarms as well.")
@click.option("--regressions", metavar="FILE", help="With --contract: write a regression test for each failure.")
@click.pass_context
def test(
    ctx: click.Context,
    /,
    paths: tuple[str, ...],
    target: str | None,
    host: str | None,
    port: int | None,
    image: str | None,
    env: str | None,
    no_ssl_check: bool,
    no_stop: bool,
    contract_file: tuple[str, ...],
    contract: bool,
    **options: Any,
) -> None:
    """Run the tests of a service: those at PATHS, or in tests/ or test/.

    The service in this folder is tested. It is started on a free port, and stopped afterwards, unless it already
    answers on port 8080. --target, --host or --image name another one. The tests run with pytest, which gets
    PYTEST_ARGUMENTS as they are; its exit status is passed on. Status 2: there is nothing to test, or it cannot be
    started.
    """
    wanted = _wanted(target, host, port, image, env, contract_file, no_ssl_check)
    if contract:
        _refuse_together(ctx, paths, ("loop", "gen_token", "nocapture", "cov", "cov_report", "cov_fail_under"))
        raise Exit(_contract_tests(wanted, no_stop, options))
    more = _pytest_options(options, contract_file, no_ssl_check)
    run = Run(
        paths,
        [*more, *ctx.meta.get(_RUNNER_ARGUMENTS, ())],
        loop=options["loop"],
        no_stop=no_stop,
        gen_token=options["gen_token"],
    )
    raise Exit(run_tests(choose(wanted, say), run, say))


def _wanted(
    target: str | None,
    host: str | None,
    port: int | None,
    image: str | None,
    env: str | None,
    contract_files: tuple[str, ...],
    no_ssl_check: bool,
) -> Wanted:
    address = "--host" if host else "--port" if port else None
    given = [name for name, value in (("--target", target), ("--image", image), (address, address)) if value and name]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} name two targets; give one of them")
    if env:
        os.environ["PYM_ENV"] = env
    return Wanted(target, host, port, image, contract_files, verify=not no_ssl_check)


def _pytest_options(options: dict[str, Any], contract_files: Sequence[str], no_ssl_check: bool) -> list[str]:
    """Return pytest's options for ours."""
    found = ["-s"] if options["nocapture"] else []
    found += [f"--junit-xml={options['junit']}"] if options["junit"] else []
    found += ["--pym-no-ssl-check"] if no_ssl_check else []
    found += [f"--pym-contract={file}" for file in contract_files]
    found += ["--pym-cov"] if options["cov"] else []
    found += [f"--pym-cov-report={kind}" for kind in options["cov_report"]]
    found += [f"--pym-cov-fail-under={under:g}"] if (under := options["cov_fail_under"]) is not None else []
    found += ["--pym-cov-append"] if options["cov_append"] else []
    return found


def _refuse_together(ctx: click.Context, paths: Sequence[str], names: Sequence[str]) -> None:
    """Refuse with --contract what is for the tests that somebody wrote."""
    given = ["PATHS"] if paths else []
    given += [f"--{name.replace('_', '-')}" for name in names if ctx.params.get(name)]
    given += ["arguments after --"] if ctx.meta.get(_RUNNER_ARGUMENTS) else []
    if given:
        raise click.UsageError(f"--contract makes the tests itself; leave out {' and '.join(given)}")


def _contract_tests(wanted: Wanted, no_stop: bool, options: dict[str, Any]) -> int:
    from .contract_tests import run

    chosen = choose(wanted, say)
    with started(chosen, no_stop, say):
        return run(
            chosen,
            seconds=options["seconds"],
            operations=options["operation"] or None,
            seed=options["seed"],
            user=options["user"],
            junit=options["junit"],
            regression_file=options["regressions"],
            seed_file=options["seed_file"],
            enable=options["enable"],
        )


def pymtest() -> int:
    """Run ``pym test`` under its older name, also where PyMacaron is not installed."""
    try:
        status = test.main(sys.argv[1:], prog_name="pymtest", standalone_mode=False)
    except click.exceptions.Abort:
        return _INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    return status if isinstance(status, int) else 0
