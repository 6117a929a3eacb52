"""Items that leave a table as lines of JSON, and come back."""

from __future__ import annotations

import gzip
import json
import resource
import subprocess
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

import service_folder
import shop
from pymacaron_dynamodb.binding import binding_of
from pymacaron_dynamodb.exceptions import FileUnusable
from pymacaron_dynamodb.exports import export_table
from pymacaron_dynamodb.imports import Import, Options, Report
from pymacaron_dynamodb.item_lines import NotAnItem, from_line, to_line
from pymacaron_dynamodb.live_tables import read_table
from pymacaron_dynamodb.progress import Progress
from pymacaron_dynamodb.rates import RateLimit
from pymacaron_dynamodb.tables import create_table
from service_folder import Service
from test_persistent import FULL

if TYPE_CHECKING:
    from pathlib import Path

    from pymacaron.config import Config
    from pymacaron_dynamodb.binding import Binding
    from pymacaron_dynamodb.database import Database

#: What is shown by processes does not depend on the engine, which all else is shown on both of.
ON_ONE = pytest.mark.parametrize("engine", ["ministack"], indirect=True)
QUIET = Progress(quiet=True)
OTHER = {**shop.ORDER, "x-pym-table": {**shop.ORDER["x-pym-table"], "name": "others"}}
SCHEMAS = {"Order": shop.ORDER, "Line": shop.LINE, "Other": OTHER}


@pytest.fixture
def models(database: Database) -> Any:
    """Return an API with two tables of one shape."""
    return shop.load(SCHEMAS)


def export(model: Any, path: Path, rate: RateLimit | None = None) -> list[bytes]:
    """Export a model's table, and return the lines in order."""
    binding = binding_of(model)
    live = read_table(binding.database, binding.table)
    assert live is not None
    count = export_table(binding.database, live, str(path), QUIET, rate)
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    lines = data.splitlines(keepends=True)
    assert len(lines) == count
    return sorted(lines)


def imported(model: Any, path: Path, **options: Any) -> Report:
    """Import a file into a model's table."""
    return Import(binding_of(model), str(path), Options(**options), QUIET).run()


def fill(model: Any, count: int = 30) -> None:
    """Save objects that hold everything."""
    for number in range(count):
        made = model(**{**FULL, "id": f"o/{number}"})
        made["count"] = number
        made.save_to_db()


@pytest.mark.parametrize("name", ["orders.jsonl", "orders.jsonl.gz"])
def test_a_round_trip(models: Any, tmp_path: Path, name: str) -> None:
    """What was exported, imported and exported again is the same byte for byte, and the same objects."""
    fill(models.Order)
    put_odd(binding_of(models.Order))
    lines = export(models.Order, tmp_path / name, RateLimit(5_000))
    assert imported(models.Other, tmp_path / name, unchecked=True).written == 31
    assert export(models.Other, tmp_path / "again.jsonl") == lines
    found = models.Other.load_from_db("o/7")
    assert repr(found.to_json()) == repr(models.Order.load_from_db("o/7").to_json())
    again = imported(models.Other, tmp_path / name, unchecked=True)
    assert (again.written, again.same, again.kept) == (0, 31, [])


def put_odd(binding: Binding) -> None:
    """Write an item that no code of ours would."""
    item: Any = {
        "id": {"S": "odd/é\u2028\x00"},
        "sets": {"L": [{"BS": [b"\x01", b""]}, {"NS": ["-1.5", "2"]}, {"SS": ["b", "a"]}]},
        "deep": {"M": {"y": {"NULL": True}, "x": {"L": []}}},
        "version": {"S": "no number"},
        "precise": {"N": str(Decimal(10) ** 37 + 1)},
    }
    binding.database.call("PutItem", binding.request(Item=item))


def test_lines_are_those_of_aws(models: Any, tmp_path: Path) -> None:
    """A line is what AWS's own exports have, with sorted names."""
    models.Order(id="o", tags=["b", "a"], photo=b"\xff").save_to_db()
    assert export(models.Order, tmp_path / "out") == [
        b'{"Item":{"id":{"S":"o"},"paid":{"BOOL":false},"photo":{"B":"/w=="},"tags":{"SS":["a","b"]},'
        b'"version":{"N":"1"}}}\n'
    ]


BROKEN = [
    ("{", "it is no JSON"),
    ("[]", 'it is no {"Item": {…}}'),
    ('{"Item": {"id": {"S": "x"}}, "More": 1}', 'it is no {"Item": {…}}'),
    ('{"Item": {"paid": {"BOOL": true}}}', "it has no 'id', which is a key of the table 'orders'"),
    ('{"Item": {"id": {"N": "1"}}}', "'id' is of type N, and is a key of type S"),
    ('{"Item": {"id": {"S": "x"}, "owner": {"N": "1"}}}', "'owner' is of type N, and is a key of type S"),
    ('{"Item": {"id": "x"}}', "'id' is 'x', which is no attribute value"),
    ('{"Item": {"id": {"S": "x"}, "a": {"Q": 1}}}', "'a' is {'Q': 1}, which is no value of DynamoDB's"),
    ('{"Item": {"id": {"S": "x"}, "a": {"L": [{"N": "x"}]}}}', "'a/0' is {'N': 'x'}, which is no value"),
    ('{"Item": {"id": {"S": "x"}, "a": {"M": {"b": {"NULL": false}}}}}', "'a/b' is {'NULL': False}"),
    ('{"Item": {"id": {"S": "x"}, "a": {"B": "!"}}}', "'a' is '!', which is no base64"),
    ('{"Item": {"id": {"S": "x"}, "a": {"SS": []}}}', "'a' is {'SS': []}"),
    ('{"Item": {"id": {"S": "x"}, "count": {"S": "many"}}}', "breaks the schema of Order: /count"),
    ('{"Item": {"id": {"S": ""}}}', "'id' is empty, and is a key of the table 'orders'"),
    ("x" * (16 * 1024 * 1024), "no item is that long"),
]


@pytest.mark.parametrize(("line", "message"), BROKEN)
def test_a_broken_line(models: Any, tmp_path: Path, line: str, message: str) -> None:
    """A line that is no item of the table stops the import with its number, after all lines before it."""
    path = tmp_path / "in.jsonl"
    lines = [f'{{"Item": {{"id": {{"S": "{n}"}}}}}}' for n in range(9)]
    path.write_text("\n".join([*lines[:6], "", line, *lines[6:]]))
    with pytest.raises(FileUnusable) as error:
        imported(models.Order, path)
    assert f"{path}, line 8: " in error.value.message
    assert message in error.value.message
    assert "go on with --start-line 8" in error.value.message
    assert all(models.Order.has_item(str(n)) for n in range(6))
    assert imported(models.Order, path, start_line=9).written == 3


def test_an_item_that_dynamodb_refuses(models: Any, tmp_path: Path) -> None:
    """An item that DynamoDB does not take is told with its line; all lines before it are done."""
    lines = [to_line({"id": {"S": str(n)}}) for n in range(9)]
    lines[5] = to_line({"id": {"S": "5"}, "note": {"S": "x" * 500_000}})
    (tmp_path / "in").write_bytes(b"".join(lines))
    with pytest.raises(FileUnusable, match=r"line 6: DynamoDB PutItem of .*go on with --start-line 6"):
        imported(models.Order, tmp_path / "in")
    assert all(models.Order.has_item(str(n)) for n in range(5))
    report = imported(models.Order, tmp_path / "in", start_line=7)
    assert report.written + report.same == 3


def test_newer_items_are_kept(models: Any, tmp_path: Path) -> None:
    """An item with a version as high or higher is left, a lower one replaced, and all of them on demand."""
    for key in ("same", "newer", "older"):
        models.Order(id=key, count=1).save_to_db()
    older = models.Order.load_from_db("older")
    older.save_to_db()
    lines = export(models.Order, tmp_path / "out")
    newer = models.Order.load_from_db("newer")
    newer.count = 2
    newer.save_to_db()
    older.delete_from_db()
    models.Order(id="older", count=9).save_to_db()
    report = imported(models.Order, tmp_path / "out")
    assert (report.written, report.same, report.kept) == (1, 1, ["id='newer'"])
    assert (models.Order.load_from_db("older").version, models.Order.load_from_db("newer").count) == (2, 2)
    assert imported(models.Order, tmp_path / "out", overwrite=True).written == 3
    assert export(models.Order, tmp_path / "again") == lines


def test_rewriting(models: Any, tmp_path: Path) -> None:
    """Items are written in today's form where that is asked for, so that keys sort as their moments do."""
    item = {"id": {"S": "o"}, "placed": {"S": "2026-01-02T03:04:05+02:00"}, "owner": {"S": "ann"}}
    (tmp_path / "in").write_bytes(to_line(item))
    imported(models.Order, tmp_path / "in", rewrite=True)
    binding = binding_of(models.Order)
    found = binding.database.call("GetItem", binding.request(Key={"id": {"S": "o"}}))["Item"]
    assert found["placed"] == {"S": "2026-01-02T01:04:05.000000Z"}
    (tmp_path / "bad").write_bytes(to_line({**item, "count": {"S": "x"}}))
    with pytest.raises(FileUnusable, match=r"line 1: .*breaks the schema of Order"):
        imported(models.Order, tmp_path / "bad", rewrite=True)


def test_a_dry_run(models: Any, tmp_path: Path) -> None:
    """A dry run checks each line, and writes none."""
    (tmp_path / "in").write_bytes(to_line({"id": {"S": "a"}}) * 3)
    assert imported(models.Order, tmp_path / "in", dry_run=True).written == 3
    (tmp_path / "in").write_bytes(to_line({"id": {"S": "a"}}) + b"?")
    with pytest.raises(FileUnusable, match=r"line 2: it is no JSON: .*; the lines before it are right"):
        imported(models.Order, tmp_path / "in", dry_run=True)
    assert not models.Order.has_item("a")


def test_lines_of_one_key(models: Any, tmp_path: Path) -> None:
    """Of several lines with one key the last one counts, as if they were imported one by one."""
    lines = [to_line({"id": {"S": "a"}, "count": {"N": str(n)}}) for n in range(30)]
    (tmp_path / "in").write_bytes(b"".join(lines))
    imported(models.Order, tmp_path / "in", overwrite=True)
    assert models.Order.load_from_db("a").count == 29


def test_files_that_cannot_be_used(models: Any, tmp_path: Path) -> None:
    """A file that is there is not overwritten; one that cannot be opened or unpacked is told by its name."""
    models.Order(id="a").save_to_db()
    (tmp_path / "there").write_text("mine")
    with pytest.raises(FileUnusable, match="there: it is there already"):
        export(models.Order, tmp_path / "there")
    with pytest.raises(FileUnusable, match="no/out: No such file or directory"):
        export(models.Order, tmp_path / "no/out")
    with pytest.raises(FileUnusable, match="/dev/full: No space left on device"):
        export_to(models.Order, "/dev/full")
    with pytest.raises(FileUnusable, match="gone: No such file"):
        imported(models.Order, tmp_path / "gone")
    whole = gzip.compress(to_line({"id": {"S": "a"}}) * 20)
    (tmp_path / "cut.gz").write_bytes(whole[:-20])
    with pytest.raises(FileUnusable, match=r"cut\.gz: cannot be read after line \d+: Compressed file ended"):
        imported(models.Order, tmp_path / "cut.gz")
    (tmp_path / "no.gz").write_bytes(b"no gzip")
    with pytest.raises(FileUnusable, match=r"no\.gz: cannot be read after line 0: Not a gzipped file"):
        imported(models.Order, tmp_path / "no.gz")
    assert sorted(each.name for each in tmp_path.iterdir() if each.name.startswith(".")) == []


def export_to(model: Any, path: str) -> None:
    """Export a model's table."""
    binding = binding_of(model)
    live = read_table(binding.database, binding.table)
    assert live is not None
    export_table(binding.database, live, path, QUIET)


def test_lines_and_items() -> None:
    """What a line says is what the item held, whatever the text of the JSON."""
    item: Any = {"b": {"BS": [b"\x00", b"\xff"]}, "n": {"NS": ["1", "2"]}, "m": {"M": {"x": {"L": [{"BOOL": True}]}}}}
    assert from_line(to_line(item)) == item
    assert from_line(b' { "Item" : {"x":{"S":"\\u00e9"}}}\r\n') == {"x": {"S": "é"}}
    with pytest.raises(NotAnItem, match="it is no JSON"):
        from_line(b'{"Item": {"x": {"S": "\xff"}}}')


@pytest.mark.once
@ON_ONE
def test_the_commands(tmp_path: Path, config: Config, database: Database) -> None:
    """`pym db export` and `pym db import` go through files and pipes, and tell what went wrong with a status of 1."""
    service = Service(tmp_path / "shop", config)
    binding = service.binding()
    create_table(binding)
    items = [{"id": {"S": f"k{n}"}, "name": {"S": "x" * 2000}} for n in range(60)]
    text = b"".join(map(to_line, items))
    said = service.pym("db", "import", "--table", "customers", stdin=text)
    assert (said.status, said.err) == (0, "60 items written, 0 there already\n")
    said = service.process("db", "export", "--table", binding.table)
    assert said.status == 0, said
    assert sorted(said.out.encode().splitlines(keepends=True)) == sorted(text.splitlines(keepends=True))
    assert said.err == f"60 items of {binding.table}\n"
    assert service.pym("db", "export", "--table", "customers", "--out", str(tmp_path / "a.gz")).status == 0
    said = service.pym("db", "import", "--table", "customers", "--in", str(tmp_path / "a.gz"), "--dry-run")
    assert (said.status, said.err) == (0, "60 lines checked and right; nothing was written\n")
    said = service.pym("db", "export", "--table", "customer")
    assert said.status == 2
    assert "there is no table" in said.err
    assert "did you mean 'customers'?" in said.err
    said = service.pym("db", "import", "--table", "customers", stdin=b"?")
    assert said.status == 1
    assert said.err == (
        "pym: -, line 1: it is no JSON: JSON is malformed: invalid character (byte 0);"
        " the lines before it are imported\n"
    )
    # A pipe that nobody reads any more, and a file that may not grow.
    with service.start("db", "export", "--table", "customers", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as piped:
        assert piped.stdout is not None
        assert piped.stderr is not None
        piped.stdout.close()
        assert piped.wait(60) == 1
        assert piped.stderr.read() == b""
    out = tmp_path / "full.jsonl"
    with service.start(
        "db", "export", "--table", "customers", "--out", str(out), stderr=subprocess.PIPE, preexec_fn=_small_files
    ) as small:
        _, err = small.communicate(timeout=60)
    assert small.returncode == 1
    assert err.decode() == f"pym: {out}: File too large\n"
    assert [each for each in tmp_path.iterdir() if "full" in each.name] == []


def _small_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))


def test_moving_to_another_table(tmp_path: Path, config: Config, database: Database) -> None:
    """A table whose key changes is left for a new one, with what the plan says: create, export, import."""
    service = Service(tmp_path / "shop", config)
    old = service.binding()
    create_table(old)
    database.call("PutItem", old.request(Item={"id": {"S": "a"}, "name": {"S": "Ann"}}))
    service.define({"Customer": _keyed_by_name("customers")})
    said = service.pym("db", "plan", "--json")
    assert said.status == 0, said
    (change,) = said.json["tables"][0]["changes"]
    assert change["kind"] == "impossible"
    assert "pym db export and pym db import --rewrite" in change["mend"]
    service.define({"Customer": _keyed_by_name("people")})
    assert service.pym("db", "create", "--yes").status == 0
    lines = service.pym("db", "export", "--table", "customers").out
    said = service.pym("db", "import", "--table", "people", "--rewrite", stdin=lines)
    assert said.status == 0, said
    people = service.binding("people")
    key = {"name": {"S": "Ann"}}
    assert database.call("GetItem", people.request(Key=key))["Item"] == json.loads(lines)["Item"]


def _keyed_by_name(table: str) -> dict[str, Any]:
    schema = {**service_folder.CUSTOMER, "x-pym-table": {"name": table, "hash": "name"}}
    del schema["x-persist"]
    return schema
