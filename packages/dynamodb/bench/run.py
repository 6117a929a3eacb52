"""Measure saves and loads of ours beside bare PynamoDB's and boto3's resource, on one ministack.

Counted is the CPU of this process alone; the engine is another one. Each side saves and loads the same item, round by
round by turns. Figures are medians over the rounds; ratios are medians of the ratios within each round, so that what
else the machine does falls on all. Goals: at most 1.15 of PynamoDB's, less than boto3's.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import statistics
import sys
import time
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]

import boto3  # noqa: E402  # after the path is set
import click  # noqa: E402
import peers  # noqa: E402
from boto3.dynamodb.conditions import Attr  # noqa: E402
from flask import Flask  # noqa: E402

from engines import Engine  # noqa: E402
from pymacaron import API, apipool  # noqa: E402
from pymacaron.config import Config, set_config  # noqa: E402
from pymacaron_dynamodb.binding import binding_of  # noqa: E402
from pymacaron_dynamodb.tables import create_table  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

#: The item, and the tables that hold it.
ITEMS = {"small": "small", "medium": "medium", "versioned": "small"}
SIDES = ("ours", "PynamoDB", "boto3")
GOALS = {"PynamoDB": 1.15, "boto3": 1.0}
PREFIX = {side: f"{side.lower()}-" for side in SIDES}


class Bench:
    """All sides on one engine, each with tables of its own."""

    def __init__(self, endpoint: str) -> None:
        set_config(
            Config(
                {
                    "dynamodb_endpoint": endpoint,
                    "dynamodb_region": "eu-west-1",
                    "aws_access_key_id": "bench",
                    "aws_secret_access_key": "bench",
                    "dynamodb_table_prefix": PREFIX["ours"],
                }
            )
        )
        API(Flask("bench")).load_api("bench", peers.document())
        self.endpoint = endpoint
        keys = {"aws_access_key_id": "bench", "aws_secret_access_key": "bench", "region_name": "eu-west-1"}
        self.resource: Any = boto3.resource("dynamodb", endpoint_url=endpoint, **keys)  # type: ignore[call-overload]  # keys is a dict

    def steps(self, name: str) -> dict[tuple[str, str], Callable[[], Any]]:
        """Return what saves and what loads one item, of each side."""
        values = peers.values(ITEMS[name])
        return {**self._ours(name, values), **self._pynamodb(name, values), **self._boto3(name, values)}

    def _ours(self, name: str, values: dict[str, Any]) -> dict[tuple[str, str], Callable[[], Any]]:
        kind: Any = apipool.get("bench").model(name.title())
        create_table(binding_of(kind))
        made = kind(**values)
        return {("save", "ours"): made.save_to_db, ("load", "ours"): lambda: kind.load_from_db("order-1")}

    def _pynamodb(self, name: str, values: dict[str, Any]) -> dict[tuple[str, str], Callable[[], Any]]:
        kind = peers.model(name, self.endpoint, f"{PREFIX['PynamoDB']}{name}")
        kind.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
        made = peers.as_model(kind, values)
        return {
            ("save", "PynamoDB"): made.save,
            ("load", "PynamoDB"): lambda: kind.get("order-1", consistent_read=True),
        }

    def _boto3(self, name: str, values: dict[str, Any]) -> dict[tuple[str, str], Callable[[], Any]]:
        table = self.resource.create_table(
            TableName=f"{PREFIX['boto3']}{name}",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        item = peers.as_plain(values)

        def save() -> None:
            """Do what the others do: with a version, write only where the item still has the one that was read."""
            if name != "versioned":
                table.put_item(Item=item)
                return
            had = item.get("version")
            item["version"] = (had or 0) + 1
            known = Attr("version")
            table.put_item(Item=item, ConditionExpression=known.eq(had) if had else known.not_exists())

        return {
            ("save", "boto3"): save,
            ("load", "boto3"): lambda: table.get_item(Key={"id": "order-1"}, ConsistentRead=True)["Item"],
        }


def cpu_of(step: Callable[[], Any], count: int) -> float:
    """Return the microseconds of CPU that one step takes."""
    began = time.process_time()
    for _ in range(count):
        step()
    return (time.process_time() - began) / count * 1e6


def measure(bench: Bench, name: str, rounds: int, count: int) -> dict[tuple[str, str], list[float]]:
    """Measure each step in each round."""
    steps = bench.steps(name)
    found: dict[tuple[str, str], list[float]] = {key: [] for key in steps}
    for step in steps.values():
        cpu_of(step, 20)
    gc.collect()
    gc.disable()
    for number in range(rounds):
        order = list(steps) if number % 2 else list(reversed(steps))
        for key in order:
            found[key].append(cpu_of(steps[key], count))
        gc.collect()
    gc.enable()
    return found


def report(name: str, found: dict[tuple[str, str], list[float]]) -> bool:
    """Print the rows of one item, and tell whether the goals are met."""
    met = True
    for action in ("save", "load"):
        mine = found[action, "ours"]
        cells = [f"{statistics.median(found[action, side]):,.0f}" for side in SIDES]
        for peer, goal in GOALS.items():
            ratio = statistics.median(a / b for a, b in zip(mine, found[action, peer], strict=True))
            met = met and ratio <= goal
            cells.append(f"{ratio:.2f}{'' if ratio <= goal else ' (goal missed)'}")
        click.echo(f"| {action} {name} | {' | '.join(cells)} |")
    return met


def main() -> None:
    """Measure, and print a table; the exit status is 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--count", type=int, default=60, help="saves and loads of each side in each round")
    parser.add_argument("--only", choices=ITEMS)
    asked = parser.parse_args()
    shown = ", ".join(f"{each} {version(each)}" for each in ("pynamodb", "boto3", "botocore", "ministack"))
    click.echo(f"Python {platform.python_version()}, {shown}, {os.cpu_count()} CPUs; µs of CPU for each\n")
    click.echo(
        "| what | ours | PynamoDB | boto3 resource | ours ÷ PynamoDB | ours ÷ boto3 |\n|---|---|---|---|---|---|"
    )
    with TemporaryDirectory() as folder, Engine("ministack", Path(folder)) as engine:
        bench = Bench(engine.url)
        names = [asked.only] if asked.only else list(ITEMS)
        met = [report(name, measure(bench, name, asked.rounds, asked.count)) for name in names]
    sys.exit(0 if all(met) else 1)


if __name__ == "__main__":
    main()
