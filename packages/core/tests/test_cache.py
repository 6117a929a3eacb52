"""Compiled contracts on disk: found by content, never trusted when damaged, and never in the way."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from harness import CONTRACT, SERVICE, environment, openapi, python, write
from pymacaron.exceptions import ContractError
from pymacaron.spec import cache, cache_folder, load_contract, read_contract, warm

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    """Write a contract of two files."""
    files = {
        "apis/notes.yaml": CONTRACT.replace("schema: {type: object}", 'schema: {$ref: "../parts/note.yaml"}'),
        "parts/note.yaml": "{type: object, properties: {text: {type: string}}}\n",
    }
    return write(tmp_path, files) / "apis" / "notes.yaml"


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Count the times that a contract is compiled."""
    made: list[str] = []

    def counting(source: Any, name: str, *rest: Any) -> Any:
        made.append(name)
        return read_contract(source, name, *rest)

    monkeypatch.setattr("pymacaron.spec.reading.read_contract", counting)
    return made


def entries() -> list[Path]:
    folder = cache_folder()
    return sorted(folder.iterdir()) if folder is not None and folder.is_dir() else []


def test_second_start_does_not_compile(contract: Path, compiled: list[str]) -> None:
    """The same contract comes from the cache, equal in every part."""
    first = load_contract(contract, "notes")
    assert load_contract(contract, "notes") == first == read_contract(contract, "notes")
    assert compiled == ["notes"]
    assert len(entries()) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda contract: contract.write_text(contract.read_text() + "\n# changed\n"),
        lambda contract: (contract.parent.parent / "parts" / "note.yaml").write_text("{type: string}\n"),
    ],
)
def test_changed_file_is_compiled(contract: Path, compiled: list[str], change: Callable[[Path], Any]) -> None:
    """A change of the contract, or of a file that it refers to, counts at once."""
    load_contract(contract, "notes")
    change(contract)
    assert load_contract(contract, "notes") == read_contract(contract, "notes")
    load_contract(contract, "notes")
    assert compiled == ["notes", "notes"]


def test_removed_part_is_noticed(contract: Path) -> None:
    """A contract whose part is gone is refused, cached or not."""
    load_contract(contract, "notes")
    (contract.parent.parent / "parts" / "note.yaml").unlink()
    with pytest.raises(ContractError, match="dangles"):
        load_contract(contract, "notes")


def test_key_holds_name_path_and_version(
    contract: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Another API name, another place of the file and another version have entries of their own."""
    load_contract(contract, "notes")
    load_contract(contract, "other")
    copy = write(tmp_path / "copy", {"apis/notes.yaml": CONTRACT}) / "apis" / "notes.yaml"
    assert load_contract(copy, "notes").file == str(copy)
    monkeypatch.setattr(cache, "version", lambda _: "999")
    load_contract(contract, "notes")
    assert compiled == ["notes", "other", "notes", "notes"]
    assert len(entries()) == 4


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'{"files": {}}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"files": {}, "api": {"name": "x"}}',
        b'{"files": {}, "api": {"name": "x", "file": "y", "surprise": 1}}',
        b'{"files": {"a": 1}, "api": {"name": "x", "file": "y"}}',
    ],
)
def test_damaged_entry_is_made_anew(contract: Path, compiled: list[str], damage: bytes) -> None:
    """An entry that is truncated, foreign or no JSON is not used, and mended."""
    load_contract(contract, "notes")
    (entry,) = entries()
    whole = entry.read_bytes()
    for content in (damage, whole[: len(whole) // 2]):
        entry.write_bytes(content)
        assert load_contract(contract, "notes") == read_contract(contract, "notes")
        assert entry.read_bytes() == whole
    assert len(compiled) == 3


def test_entry_of_another_contract_is_not_used(contract: Path) -> None:
    """An entry that does not name the contract among its files does not count."""
    load_contract(contract, "notes")
    (entry,) = entries()
    foreign = msgspec.json.decode(entry.read_bytes())
    foreign["files"] = {}
    foreign["api"]["title"] = "Forged"
    entry.write_bytes(msgspec.json.encode(foreign))
    assert load_contract(contract, "notes").title == "Greetings"


def test_entry_that_is_a_folder(contract: Path) -> None:
    """Something that is in the entry's way makes no start fail."""
    load_contract(contract, "notes")
    (entry,) = entries()
    entry.unlink()
    entry.mkdir()
    assert load_contract(contract, "notes").title == "Greetings"


def test_folder_that_cannot_be_made(contract: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where no cache can be written, contracts are compiled with each start; ``pym compile`` says so."""
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("PYM_CONTRACT_CACHE", str(tmp_path / "file" / "cache"))
    assert load_contract(contract, "notes").title == "Greetings"
    with pytest.raises(ContractError, match="cannot be written; set PYM_CONTRACT_CACHE to a folder that can"):
        warm(contract, "notes")


def test_full_disk_leaves_nothing_behind(contract: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry that cannot be written to its end is removed."""

    def fail(*_: Any) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", fail)
    assert load_contract(contract, "notes").title == "Greetings"
    assert entries() == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_read_only_folder(contract: Path) -> None:
    """A folder that may only be read is used for what it has."""
    folder = cache_folder()
    assert folder is not None
    folder.mkdir(mode=0o500)
    assert load_contract(contract, "notes").title == "Greetings"
    assert entries() == []


def test_folder_of_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """PYM_CONTRACT_CACHE comes first, then XDG's folder, then the one below the home."""
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("PYM_CONTRACT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "pymacaron"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home" / ".cache" / "pymacaron"


def test_no_home_at_all(contract: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process whose user has no home compiles its contracts."""

    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("PYM_CONTRACT_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("pathlib.Path.home", nobody)
    assert load_contract(contract, "notes").title == "Greetings"
    with pytest.raises(ContractError, match="the cache: cannot be written"):
        warm(contract, "notes")


def test_switched_off(contract: Path, compiled: list[str]) -> None:
    """contract_cache: false neither reads nor writes."""
    for _ in range(2):
        load_contract(contract, "notes", cache=False)
    assert (compiled, entries()) == (["notes"] * 2, [])


def test_document_of_python(compiled: list[str]) -> None:
    """A document given as a dict has an entry as well; statuses may be numbers beside texts."""
    document = openapi({"/a": {"get": {"responses": {200: {"description": "x"}, "default": {"description": "y"}}}}})
    assert load_contract(document, "notes") == load_contract(document, "notes") == read_contract(document, "notes")
    assert compiled == ["notes"]


def test_missing_contract(tmp_path: Path) -> None:
    """A contract that is not there is named."""
    with pytest.raises(ContractError, match=r"gone\.yaml: no such file"):
        load_contract(tmp_path / "gone.yaml", "gone")


def test_others_cannot_read_the_folder(contract: Path) -> None:
    """The folder belongs to its user alone."""
    load_contract(contract, "notes")
    assert entries()[0].parent.stat().st_mode & 0o077 == 0


def test_relative_path_is_the_same(contract: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A contract has one entry, however its path is written."""
    load_contract(contract, "notes")
    monkeypatch.chdir(contract.parent)
    load_contract("notes.yaml", "notes")
    load_contract("../apis/notes.yaml", "notes")
    assert compiled == ["notes"]


LOADER = """
import sys, time
from pymacaron.spec import load_contract
api = load_contract("apis/greetings.yaml", "greetings")
print(len(api.operations), api.title)
"""


def test_concurrent_starts(tmp_path: Path) -> None:
    """Processes that start at the same time all get the contract and leave one whole entry."""
    write(tmp_path, SERVICE)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", LOADER], cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    assert [process.communicate(timeout=20)[0] for process in processes] == ["1 Greetings\n"] * 4
    left = list((tmp_path / ".cache").iterdir())
    assert [path.suffix for path in left] == [".json"]
    assert msgspec.json.decode(left[0].read_bytes())["api"]["title"] == "Greetings"


BOOT = """
import sys, server
client = server.app.test_client()
assert client.get("/v1/hello/ann").json == {"hello": "ann"}
slow = {"bravado_core", "jsonschema", "swagger_spec_validator", "openapi_spec_validator", "granian", "cryptography"}
print(sorted(slow & {name.partition(".")[0] for name in sys.modules}), "yaml.loader" in sys.modules)
"""


def test_warm_boot_imports_nothing_slow(tmp_path: Path) -> None:
    """A start from the cache, up to an answered request, loads no validator of documents and no server."""
    write(tmp_path, SERVICE)
    for _ in range(2):
        done = python(tmp_path, "-c", BOOT)
        assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("[] ")
