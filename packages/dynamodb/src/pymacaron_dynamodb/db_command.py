"""``pym db``: the tables of a service, compared with its contract and brought to what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pymacaron.cli.service import echo_json
from pymacaron.exceptions import StartError

from .database import database
from .exceptions import TablesDiffer
from .items_command import export_items, import_items, migrate
from .plans import Kind, Plan, TablePlan, make_plan
from .progress import Progress, counted
from .service_tables import may_go_on, service_bindings
from .table_updates import Outcome, Watch, bring_up_to_date

if TYPE_CHECKING:
    from collections.abc import Callable

    from .plans import Change

_COLOURS = {Kind.ADD: "green", Kind.CHANGE: "yellow", Kind.IMPOSSIBLE: "red", Kind.EXTRA: "bright_black"}
_DIFFERENT = 2

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
_yes = click.option("--yes", "-y", is_flag=True, help="Do not ask.")
_within = click.option(
    "--within",
    type=click.FloatRange(0, min_open=True),
    default=3600.0,
    show_default=True,
    help="Seconds that one step may take; the index of a large table takes hours.",
)


@click.group()
def db() -> None:
    """Compare, create and change the service's tables in DynamoDB, and move their items."""


@db.command()
@_as_json
@click.option("--exit-code", is_flag=True, help="Exit with 2 where there is a difference, and 1 where it failed.")
def plan(as_json: bool, exit_code: bool) -> int:
    """Show what is between the contract's tables and those in DynamoDB.

    + is added, ~ changed in place, ! cannot be changed in place, and ? is there although the contract does not ask for
    it, and is left alone.
    """
    try:
        found = make_plan(database(), service_bindings())
    except StartError as error:
        if exit_code:
            raise _Failed(error.message) from None
        raise
    _show(found, as_json)
    return _DIFFERENT if exit_code and found.differs else 0


@db.command()
@_yes
@_within
@_as_json
def create(yes: bool, within: float, as_json: bool) -> int:
    """Create the tables that are missing.

    The exit status is 1 where one of them is not ready.
    """
    return _act(lambda table: not table.exists or "CREATING" in str(table.waits_for), yes, within, as_json)


@db.command()
@_yes
@_within
@_as_json
def update(yes: bool, within: float, as_json: bool) -> int:
    """Change tables in place, as far as DynamoDB can.

    Tables and indexes are never dropped, and capacity, time of expiry and protection never taken away. The exit status
    is 1 where a table is not as the contract has it afterwards.
    """
    return _act(lambda table: table.exists, yes, within, as_json)


def release_tables() -> None:
    """Create and change the service's tables, before a release gets traffic.

    Raises:
        TablesDiffer: a table cannot be made what the contract says; then none was touched. Or it is not ready.
    """
    bindings = service_bindings()
    found = make_plan(database(), bindings)
    if found.impossible:
        listed = "; ".join(
            f"{table.table}: {each} ({each.mend})" for table in found.impossible for each in table.impossible
        )
        raise TablesDiffer(f"the release needs what cannot be done in place, and no table was touched: {listed}")
    watch = Watch(progress=Progress())
    outcomes = [bring_up_to_date(binding, watch) for binding in bindings]
    late = [f"{outcome.table}: {change} ({change.mend})" for outcome in outcomes for change in outcome.postponed]
    if late:
        raise TablesDiffer(f"tables are not what the release needs yet: {'; '.join(late)}")


class _Failed(click.ClickException):
    """A failure whose exit status is 1, whatever it is otherwise."""

    def show(self, file: Any = None) -> None:
        click.echo(f"pym: {self.message}", err=True)


def _act(chosen: Callable[[TablePlan], bool], yes: bool, within: float, as_json: bool) -> int:
    """Make the changes of some tables, after showing them; return the exit status."""
    bindings = {binding.table: binding for binding in service_bindings()}
    found = make_plan(database(), bindings.values())
    tables = [table for table in found.tables if chosen(table)]
    to_do = [table for table in tables if table.to_do or table.waits_for]
    if not as_json:
        _show(Plan(tuple(tables), ()), as_json=False)
    outcomes: list[Outcome] = []
    if to_do:
        if not yes and any(table.to_do for table in to_do):
            _ask([table for table in to_do if table.to_do])
        with may_go_on("the same command"):
            watch = Watch(within, progress=Progress())
            outcomes = [bring_up_to_date(bindings[table.table], watch) for table in to_do]
    return _report(outcomes, tables, as_json)


def _ask(tables: list[TablePlan]) -> None:
    count = sum(len(table.to_do) for table in tables)
    question = f"make {counted(count, 'change')} of {', '.join(table.table for table in tables)}?"
    try:
        click.confirm(question, abort=True, err=True)
    except click.Abort:
        click.echo("pym: nothing was changed; --yes does it without asking", err=True)
        raise


def _report(outcomes: list[Outcome], tables: list[TablePlan], as_json: bool) -> int:
    impossible = [(table.table, change) for table in tables for change in table.impossible]
    postponed = [(outcome.table, change) for outcome in outcomes for change in outcome.postponed]
    done = [(outcome.table, change) for outcome in outcomes for change in outcome.done]
    if as_json:
        listed = {"done": done, "postponed": postponed, "impossible": impossible}
        echo_json({name: [{"table": t, **_json_of(c)} for t, c in each] for name, each in listed.items()})
    else:
        for table, change in postponed:
            click.echo(f"{table}: {change.what} is not as the contract has it yet: {change.mend}", err=True)
        click.echo(f"{counted(len(done), 'change')} made, {len(postponed)} postponed, {len(impossible)} impossible")
    return 1 if postponed or impossible else 0


def _show(found: Plan, as_json: bool) -> None:
    if as_json:
        echo_json(
            {
                "differs": found.differs,
                "tables": [
                    {
                        "table": table.table,
                        "model": table.model,
                        "exists": table.exists,
                        "waits_for": table.waits_for,
                        "changes": [_json_of(change) for change in table.changes],
                    }
                    for table in found.tables
                ],
                "unknown": list(found.unknown),
            }
        )
        return
    for table in found.tables:
        _show_table(table)
    for name in found.unknown:
        click.echo(click.style(f"? {name}: no contract of the service has it; left alone", fg=_COLOURS[Kind.EXTRA]))
    if not found.tables:
        click.echo("no contract of the service has a table", err=True)


def _show_table(table: TablePlan) -> None:
    state = "" if table.exists else ", which is not there"
    rest = f": {table.waits_for}" if table.waits_for else "" if table.differs else ": as the contract has it"
    click.echo(f"  {table.table} ({table.model}{state}){rest}")
    for change in table.changes:
        click.echo(click.style(str(change), fg=_COLOURS[change.kind]))
        if change.mend:
            click.echo(f"    {change.mend}")


def _json_of(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind.value,
        "what": change.what,
        "live": change.live or None,
        "wanted": change.wanted or None,
        "mend": change.mend or None,
    }


for _command in (migrate, export_items, import_items):
    db.add_command(_command)
