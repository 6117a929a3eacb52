"""``pym db migrate``, ``export`` and ``import``: the items of a table, all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from .checkpoints import FOLDER, Checkpoint, Segment, locked, open_checkpoint
from .database import database
from .exceptions import TableMissing
from .exports import STANDARD, export_table
from .imports import Import, Options
from .live_tables import LiveTable, read_table
from .migrations import Migration, Report
from .progress import Progress, counted
from .rates import RateLimit
from .service_tables import find_binding, find_table, may_go_on
from .wire import from_wire

if TYPE_CHECKING:
    from .attributes import Item
    from .binding import Binding

_MOST_SEGMENTS = 64
_LISTED = 20

_table = click.option("--table", "name", required=True, help="The table, with or without the environment's prefix.")
_rate = click.option(
    "--rate", type=click.FloatRange(0, min_open=True), help="Capacity units a second (default: no limit)."
)


@click.command()
@_table
@_rate
@click.option(
    "--segments",
    type=click.IntRange(1, _MOST_SEGMENTS),
    default=4,
    show_default=True,
    help="Parts of the table that are worked on at the same time.",
)
@click.option("--dry-run", is_flag=True, help="Write nothing; count, and show the first differences.")
@click.option("--restart", is_flag=True, help="Begin anew, wherever an earlier one stopped.")
def migrate(name: str, rate: float | None, segments: int, dry_run: bool, restart: bool) -> int:
    """Bring all items of a table to today's form by upgrade().

    It may be stopped at any time, and goes on where it was. Items that upgrade() fails for, or that do not follow their
    schema afterwards, are listed and left as they are; the exit status is then 1.
    """
    binding = find_binding(name)
    live = _live(binding)
    wanted = binding.definition.item_version
    if wanted == 1:
        click.echo(f"the items of {binding.table} have one form: its item_version is 1")
        return 0
    limit = RateLimit(rate) if rate is not None else None
    job = f"items of {live.identity} to form {wanted}"
    if dry_run:
        checkpoint = Checkpoint(None, job, [Segment() for _ in range(segments)])
        report = Migration(binding, checkpoint, Progress(), limit, dry_run=True, total=live.items).run()
        _show_samples(binding, report)
    else:
        path = database().settings.folder / FOLDER / f"migrate-{binding.table}.json"
        with locked(path):
            checkpoint = open_checkpoint(path, job, segments, restart)
            if checkpoint.is_resumed:
                click.echo(f"pym: going on where an earlier one stopped, as {path} says", err=True)
            with may_go_on("the same command"):
                report = Migration(binding, checkpoint, Progress(), limit, total=live.items).run()
            checkpoint.forget()
    return _report(binding, report, dry_run)


@click.command("export")
@_table
@click.option("--out", default=STANDARD, show_default=True, help="File to write, compressed where it ends with .gz.")
@_rate
def export_items(name: str, out: str, rate: float | None) -> None:
    """Write all items of a table as lines of JSON.

    Lines are as in AWS's own exports, without loss: {"Item": {"id": {"S": "a"}}}. Any table with the environment's
    prefix will do, also one that no contract has any more.
    """
    found = find_table(name)
    limit = RateLimit(rate) if rate is not None else None
    count = export_table(database(), found, out, Progress(), limit)
    click.echo(f"{counted(count, 'item')} of {found.name}", err=True)


@click.command("import")
@_table
@click.option("--in", "source", default=STANDARD, show_default=True, help="File to read, compressed if it ends in .gz.")
@_rate
@click.option("--start-line", type=click.IntRange(1), default=1, show_default=True, help="First line to import.")
@click.option("--overwrite", is_flag=True, help="Replace items that are there, newer ones too.")
@click.option("--rewrite", is_flag=True, help="Write items in the form that today's code saves them in.")
@click.option("--unchecked", is_flag=True, help="Import items that do not follow their schema as well.")
@click.option("--dry-run", is_flag=True, help="Write nothing; check the lines.")
def import_items(
    name: str,
    source: str,
    rate: float | None,
    start_line: int,
    overwrite: bool,
    rewrite: bool,
    unchecked: bool,
    dry_run: bool,
) -> None:
    """Put the items of an export into a table.

    An item that is there already is replaced only where it has a lower version than the file's. So the same file can be
    imported again after an import that stopped.
    """
    if rewrite and unchecked:
        raise click.UsageError("give --rewrite or --unchecked: only what follows its schema is rewritten")
    binding = find_binding(name)
    _live(binding)
    options = Options(start_line, overwrite, unchecked, rewrite, dry_run)
    made = Import(binding, source, options, Progress(), RateLimit(rate) if rate is not None else None)
    with may_go_on("the same command, or one with --start-line,"):
        report = made.run()
    if dry_run:
        click.echo(f"{counted(report.written, 'line')} checked and right; nothing was written", err=True)
        return
    for key in report.kept[:_LISTED]:
        click.echo(f"kept: {key}", err=True)
    kept = f", {len(report.kept):,} kept, as new or newer (--overwrite replaces them)" if report.kept else ""
    click.echo(f"{counted(report.written, 'item')} written, {report.same:,} there already{kept}", err=True)


def _live(binding: Binding) -> LiveTable:
    found = read_table(database(), binding.table)
    if found is None:
        raise TableMissing(f"there is no table {binding.table}; create it: pym db create")
    return found


def _report(binding: Binding, report: Report, dry_run: bool) -> int:
    for key, why in sorted(report.failed.items())[:_LISTED]:
        click.echo(f"left as it is: {key}: {why}", err=True)
    if len(report.failed) > _LISTED:
        click.echo(f"… and {len(report.failed) - _LISTED:,} more", err=True)
    verb = "would be migrated" if dry_run else "migrated"
    overtaken = f", {report.overtaken:,} written by others meanwhile" if report.overtaken else ""
    click.echo(
        f"{binding.table}: {counted(report.read, 'item')} read, {report.migrated:,} {verb}{overtaken},"
        f" {len(report.failed):,} failed"
    )
    return 1 if report.failed else 0


def _show_samples(binding: Binding, report: Report) -> None:
    for before, after in report.samples:
        click.echo(f"  {binding.codec.describe_key(before)}")
        for name in sorted({*before, *after}):
            if before.get(name) != after.get(name):
                for sign, item, colour in (("-", before, "red"), ("+", after, "green")):
                    if name in item:
                        click.echo(click.style(f"{sign} {name}: {_text(item, name)}", fg=colour))


def _text(item: Item, name: str) -> str:
    value: Any = from_wire(item[name])
    return msgspec.json.encode(value).decode()
