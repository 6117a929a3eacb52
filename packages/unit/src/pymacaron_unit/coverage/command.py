"""``pym coverage``: the coverage of contracts that earlier runs recorded. Needs pymacaron."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..exceptions import UnitError
from .store import FOLDER, erase, find

if TYPE_CHECKING:
    from .report import Coverage


@click.command("coverage")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--html", type=click.Path(path_type=Path), metavar="FOLDER", help="Write pages that mark the contracts.")
@click.option("--json", "as_json", type=click.Path(path_type=Path), metavar="FILE", help="Write JSON; - is stdout.")
@click.option("--fail-under", type=float, metavar="PERCENT", help="Exit with status 2 where less was exercised.")
@click.option(
    "--contract",
    "contracts",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What the recordings are held against (default: the contracts that were recorded).",
)
@click.option("-v", "--verbose", is_flag=True, help="List everything that was not exercised.")
@click.option("--erase", "erases", is_flag=True, help="Remove the recordings instead.")
def coverage(
    files: tuple[Path, ...],
    html: Path | None,
    as_json: Path | None,
    fail_under: float | None,
    contracts: tuple[Path, ...],
    verbose: bool,
    erases: bool,
) -> None:
    """Show what of the contracts the tests have exercised, by all runs that were recorded.

    FILES are recordings, or folders of them; .pym/coverage where none are given.
    """
    places = list(files or (FOLDER,))
    if erases:
        click.echo(f"removed {sum(erase(place) for place in places)} recordings", err=True)
        return
    found = _combine(places, contracts)
    _write(found, html, as_json)
    if as_json != Path("-"):
        click.echo(found.table(verbose))
    if fail_under is not None and found.percent < fail_under:
        click.echo(f"FAIL: {found.percent:.2f} % were exercised, less than {fail_under:g} %", err=True)
        raise click.exceptions.Exit(2)


def _combine(places: list[Path], files: tuple[Path, ...]) -> Coverage:
    from ..contracts import load_contracts
    from .report import combine

    try:
        if not find(places):
            shown = ", ".join(map(str, places))
            raise UnitError(f"{shown}: there are no recordings; run the tests with --pym-cov first")
        return combine(places, load_contracts(files) if files else None)
    except UnitError as error:
        raise click.ClickException(str(error)) from None


def _write(found: Coverage, html: Path | None, as_json: Path | None) -> None:
    if html is not None:
        click.echo(f"written: {found.write_html(html)}", err=True)
    if as_json is None:
        return
    text = json.dumps(found.to_json(), indent=2)
    if as_json == Path("-"):
        click.echo(text)
    else:
        as_json.parent.mkdir(parents=True, exist_ok=True)
        as_json.write_text(f"{text}\n", encoding="utf-8")
        click.echo(f"written: {as_json}", err=True)
