"""``pym tasks dead``: what is done with tasks that failed for the last time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pymacaron.cli.service import echo_json
from pymacaron.cli.showing import table

from . import lookup
from .dead_letters import DONE, MEANINGS, Outcome, drop, retry
from .exceptions import NoSuchTask
from .local_service import Service, as_json_option
from .text import printable, span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .runtime import Runtime
    from .store import DeadLetter

_ALL = 1_000_000
_yes = click.option("--yes", "-y", is_flag=True, help="Do not ask.")
_name = click.option("--name", help="With --all: those of one task alone.")
_all = click.option("--all", "everything", is_flag=True, help="All of the dead.")
_ids = click.argument("ids", nargs=-1, metavar="[ID]...")


@click.group(invoke_without_command=True)
@click.pass_context
def dead(context: click.Context) -> None:
    """Look at tasks that failed for the last time."""
    if context.invoked_subcommand is None:
        context.invoke(list_dead)


@dead.command("list")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="At most so many, newest first.")
@click.option("--name", help="Those of one task alone.")
@as_json_option
@click.pass_obj
def list_dead(service: Service, limit: int = 100, name: str | None = None, as_json: bool = False) -> None:
    """List the dead, the last first."""
    store = service.runtime.store
    total = store.count_dead()
    letters = _letters(store.dead(limit if name is None else _ALL), name)[:limit]
    if as_json:
        echo_json([_letter_json(letter) for letter in letters])
        return
    if not letters:
        click.echo("no task is dead" if total == 0 else f"none of the {total} dead is of {name}")
        return
    now = store.now()
    rows = [
        (
            letter.message.id,
            letter.message.name,
            f"{span(now - letter.died)} ago",
            str(letter.message.attempt),
            _short(f"{letter.error.get('type')}: {letter.error.get('message', '')}"),
            letter.message.shown,
        )
        for letter in letters
    ]
    click.echo(table(rows, ("ID", "TASK", "DIED", "ATTEMPTS", "ERROR", "ARGUMENTS")))
    if name is None and total > len(letters):
        click.echo(f"… and {total - len(letters)} more: --limit {total}")


def _short(text: str) -> str:
    line = printable(" ".join(text.split()))
    return line if len(line) <= 60 else f"{line[:59]}…"


def _letter_json(letter: DeadLetter) -> dict[str, Any]:
    message = letter.message
    return {
        "id": message.id,
        "name": message.name,
        "queue": message.queue,
        "args": message.shown,
        "attempts": message.attempt,
        "deliveries": letter.deliveries,
        "owner": message.caller.user_id,
        "call_id": message.caller.call_id,
        "enqueued": message.enqueued,
        "died": letter.died,
        "error": letter.error,
    }


@dead.command("show")
@click.argument("id")
@as_json_option
@click.pass_obj
def show_dead(service: Service, id: str, as_json: bool) -> None:
    """Show why a task died, with the trace of its last error."""
    runtime = service.runtime
    letter = runtime.store.find_dead(id)
    if letter is None:
        raise NoSuchTask(f"{id!r} is not among the dead")
    if as_json:
        echo_json(_letter_json(letter))
    else:
        click.echo(lookup.as_text(lookup.look_up(runtime, id, ()), runtime.store.now()))


@dead.command("retry")
@_ids
@_all
@_name
@_yes
@as_json_option
@click.pass_obj
def retry_dead(
    service: Service, ids: tuple[str, ...], everything: bool, name: str | None, yes: bool, as_json: bool
) -> int:
    """Run dead tasks again.

    They are sent anew under their own ids, with all their attempts. The exit status is 1 where one was not sent.
    """
    letters = _chosen(service, ids, everything, name)
    if everything and not yes:
        _ask(f"run {len(letters)} dead tasks again?", len(letters))
    return _do(service, letters, retry, as_json)


@dead.command("drop")
@_ids
@_all
@_name
@_yes
@as_json_option
@click.pass_obj
def drop_dead(
    service: Service, ids: tuple[str, ...], everything: bool, name: str | None, yes: bool, as_json: bool
) -> int:
    """Forget dead tasks, which then never run again.

    The exit status is 1 where one was not found.
    """
    letters = _chosen(service, ids, everything, name)
    if everything and not yes:
        _ask(f"forget {len(letters)} dead tasks for ever?", len(letters))
    return _do(service, letters, drop, as_json)


def _chosen(service: Service, ids: Iterable[str], everything: bool, name: str | None) -> dict[str, DeadLetter | None]:
    """Return the letters that a command is about, by id; None for an id that is not among the dead."""
    chosen = dict.fromkeys(ids)
    if bool(chosen) == everything:
        raise click.UsageError("give either ids or --all")
    if name is not None and not everything:
        raise click.UsageError("--name goes with --all")
    store = service.runtime.store
    if everything:
        return {letter.message.id: letter for letter in _letters(store.dead(_ALL), name)}
    return {id: store.find_dead(id) for id in chosen}


def _letters(letters: Sequence[DeadLetter], name: str | None) -> list[DeadLetter]:
    return [letter for letter in letters if name in (None, letter.message.name)]


def _ask(question: str, count: int) -> None:
    if count:
        click.confirm(question, abort=True, err=True)


def _do(
    service: Service,
    letters: dict[str, DeadLetter | None],
    act: Callable[[Runtime, DeadLetter], Outcome],
    as_json: bool,
) -> int:
    """Do something to each of the dead, and say what became of it."""
    outcomes = {}
    for id, letter in letters.items():
        outcomes[id] = Outcome.UNKNOWN if letter is None else act(service.runtime, letter)
        if not as_json:
            name = f" {letter.message.name}" if letter else ""
            click.echo(f"{id}{name}: {MEANINGS[outcomes[id]]}", err=outcomes[id] not in DONE)
    if as_json:
        names = {id: letter.message.name if letter else None for id, letter in letters.items()}
        echo_json([{"id": id, "name": names[id], "outcome": outcome} for id, outcome in outcomes.items()])
    elif not outcomes:
        click.echo("no task is dead")
    return 0 if all(outcome in DONE for outcome in outcomes.values()) else 1
