"""``pym tasks``: what goes on, what is due, and what is to be done with tasks that died."""

from __future__ import annotations

import click
import msgspec

from pymacaron.cli.service import echo_json, load_app
from pymacaron.cli.showing import table

from . import lookup
from .dead_command import dead
from .live import watch
from .local_service import Service, as_json_option
from .overview import as_text, later_text, list_later, overview
from .queues import open_queues
from .schedules import SCHEDULES
from .store import State
from .text import moment, span


class ScheduleRow(msgspec.Struct):
    """One schedule; ticks are in seconds since 1970."""

    name: str
    task: str
    rule: str
    missed: str
    last: float | None
    next: int


@click.group(invoke_without_command=True)
@click.option("--queue", "-q", help="One queue alone.")
@click.option("--watch", "-w", "watched", is_flag=True, help="Refresh it until ^C.")
@click.option("--every", type=click.FloatRange(0.1), default=1.0, show_default=True, help="Seconds between two looks.")
@as_json_option
@click.pass_context
def tasks(context: click.Context, queue: str | None, watched: bool, every: float, as_json: bool) -> None:
    """Show what waits, runs, is due later and died.

    Without a command, all of it is shown at a glance.
    """
    service = context.obj = Service()
    if context.invoked_subcommand is not None:
        return

    runtime, queues = service.runtime, service.queues

    def look() -> str:
        found = overview(runtime, queues, queue)
        return msgspec.json.encode(found).decode() if as_json else as_text(found)

    if watched:
        watch(look, every)
    elif as_json:
        echo_json(overview(runtime, queues, queue))
    else:
        click.echo(look())


@tasks.command()
@click.argument("id")
@as_json_option
@click.pass_obj
def show(service: Service, id: str, as_json: bool) -> None:
    """Show all that is known of one task."""
    known = lookup.look_up(service.runtime, id, service.queues)
    if as_json:
        echo_json(known.to_json())
    else:
        click.echo(lookup.as_text(known, service.runtime.store.now()))


@tasks.command()
@click.argument("id")
@as_json_option
@click.pass_obj
def cancel(service: Service, id: str, as_json: bool) -> int:
    """Cancel a task.

    One that waits never runs, one that runs is interrupted. The exit status is 1 where it has ended.
    """
    store = service.runtime.store
    known = lookup.look_up(service.runtime, id, service.queues)
    if known.message is not None:
        store.enqueue(known.message)  # so that its name is known when it is gone
    cancelled = known.letter is None and store.cancel(id)
    after = store.get(id) or known.record
    if as_json:
        echo_json({"id": id, "name": known.record.name, "cancelled": cancelled, "state": after.state})
    elif not cancelled:
        click.echo(f"{id} is not cancelled: it has ended, {after.state}", err=True)
    else:
        click.echo(f"{id} is cancelled{'; it is interrupted within seconds' if after.state == State.RUNNING else ''}")
    return 0 if cancelled else 1


@tasks.command()
@as_json_option
@click.pass_obj
def later(service: Service, as_json: bool) -> None:
    """List the tasks that wait for their time.

    These are delayed ones, and those that failed and will run again.
    """
    with open_queues(service.runtime) as queues:
        found = list_later(service.runtime, queues, service.runtime.store.now())
    if as_json:
        echo_json(found)
    else:
        click.echo(later_text(found) if found else "no task waits for its time")


@tasks.command()
@as_json_option
@click.pass_obj
def schedules(service: Service, as_json: bool) -> None:
    """List schedules with their last and next ticks."""
    store = service.runtime.store
    load_app(serves=False)
    now = store.now()
    found = [
        ScheduleRow(
            name=name,
            task=schedule.task.name,
            rule=str(schedule.rule),
            missed=schedule.missed,
            last=store.last_tick(name),
            next=schedule.rule.after(now),
        )
        for name, schedule in sorted(SCHEDULES.items())
    ]
    if as_json:
        echo_json(found)
        return
    rows = [
        (each.name, each.rule, each.missed, moment(each.last), f"{moment(each.next)} (in {span(each.next - now)})")
        for each in found
    ]
    click.echo(table(rows, ("SCHEDULE", "RULE", "MISSED", "LAST TICK", "NEXT TICK")) if rows else "no schedules")


tasks.add_command(dead)
