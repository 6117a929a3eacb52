"""Recordings on disk, and how they are united."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coverage_cases import ZOO, call, zoo
from pymacaron.codec.types import Types
from pymacaron.spec import load_contract
from pymacaron_unit.contracts import Contract, Contracts, from_document, load_contracts
from pymacaron_unit.coverage import Recorder, combine, erase
from pymacaron_unit.coverage.store import Exercised, Recording, digest, find, read, united, write
from pymacaron_unit.exceptions import UnitError


def recorded(folder: Path, url: str = "/animals", contract: Any = None) -> Path:
    """Record one call and keep it."""
    contract = contract or zoo()
    recorder = Recorder(Contracts([contract]))
    recorder.record(call(contract, "GET", url))
    return recorder.save(folder)


def test_keeps_what_was_recorded(tmp_path: Path) -> None:
    """What is read is what was written, in one file a recorder and no other left beside it."""
    recorder = Recorder(Contracts([zoo()]))
    recorder.record(call(zoo(), "GET", "/animals"))
    path = recorder.save(tmp_path / "new" / "folder")
    found, made = read(path).contracts["zoo"], recorder.recording().contracts["zoo"]
    assert (found.digest, found.hits, found.prefix) == (made.digest, made.hits, made.prefix)
    assert list(path.parent.iterdir()) == [path]


def test_leaves_nothing_half_written(tmp_path: Path) -> None:
    """A recording that cannot be written leaves no file behind."""
    wrong = Recording("a", "", {"zoo": Exercised("", document=object())})
    with pytest.raises(TypeError):
        write(wrong, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_unites_processes(tmp_path: Path) -> None:
    """Processes that record at the same time, such as xdist's workers, keep a file each; all of them count."""
    script = (
        "import sys\nfrom pathlib import Path\nfrom test_coverage_store import recorded\n"
        "recorded(Path(sys.argv[1]), sys.argv[2])"
    )
    urls = ["/animals?kind=cat", "/animals?kind=dog", "/animals?kind=cat"]
    command = [sys.executable, "-c", script, str(tmp_path / "found")]
    running = [subprocess.Popen([*command, url], cwd=Path(__file__).parent) for url in urls]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    found = combine(tmp_path / "found", Contracts([zoo()]))
    assert found.runs == 3
    hits = found.contracts[0].exercised.hits
    assert (hits['list query kind = "cat"'], hits['list query kind = "dog"'], hits["list"]) == (2, 1, 3)


recordings = st.lists(
    st.builds(
        lambda run, content, hits: Recording(run, "", {"zoo": Exercised(content, hits)}),
        st.sampled_from("abc"),
        st.sampled_from(["old", "new"]),
        st.dictionaries(st.sampled_from(["x", "y"]), st.integers(1, 3), max_size=2),
    ),
    unique_by=lambda recording: recording.run,
    max_size=3,
)


@given(recordings, st.randoms(use_true_random=False))
def test_union_knows_no_order_and_counts_once(found: list[Recording], random: Any) -> None:
    """Uniting is commutative and idempotent, and adds up only what is of the contract as it is."""
    mixed = [*found, *found]
    random.shuffle(mixed)
    assert united(mixed, "zoo", "new").hits == united(found, "zoo", "new").hits
    expected = [r.contracts["zoo"].hits for r in found if r.contracts["zoo"].digest == "new"]
    assert sum(united(found, "zoo", "new").hits.values()) == sum(sum(hits.values()) for hits in expected)


def test_leaves_out_an_older_contract(tmp_path: Path) -> None:
    """A run against a contract that has changed since is reported, and counts for nothing."""
    recorded(tmp_path)
    changed = json.loads(json.dumps(ZOO))
    changed["paths"]["/animals"]["get"]["responses"]["201"] = {"description": "new"}
    found = combine(tmp_path, Contracts([from_document("zoo", changed)]))
    assert found.percent == 0
    assert "the contract zoo has changed since; run the tests again" in found.left_out[0]


def test_knows_a_contract_by_what_it_says(tmp_path: Path) -> None:
    """Where a file lies, and how it is laid out, changes no digest; a changed promise does."""
    for folder, indent in (("a", None), ("b", 4)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "zoo.json").write_text(json.dumps(ZOO, indent=indent))
    digests = {digest(next(iter(load_contracts([tmp_path / f / "zoo.json"]))).api) for f in "ab"}
    assert digests == {digest(zoo().api)}
    assert digest(from_document("zoo", {**ZOO, "paths": {}}).api) not in digests


def test_knows_a_contract_in_any_process() -> None:
    """The service's own process knows the base classes of models, others do not; the contract is the same."""
    document = json.loads(json.dumps(ZOO))
    document["components"]["schemas"]["Cat"]["x-parent"] = "service.mixins.Purring"
    api = load_contract(document, "zoo")
    assert digest(Contract(api, Types(api)).api) == digest(Contract(api).api)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 99}', '{"format": 1, "run": 3}', "\ufeff\x00"])
def test_reports_what_is_no_recording(tmp_path: Path, text: str) -> None:
    """A damaged file, or one of another version, is named with the mend; the others count."""
    recorded(tmp_path)
    (tmp_path / "bad.json").write_text(text)
    found = combine(tmp_path, Contracts([zoo()]))
    assert found.percent > 0
    assert len(found.left_out) == 1
    assert found.left_out[0].startswith(f"{tmp_path / 'bad.json'}: ")
    assert "run the tests again" in found.left_out[0]


def test_finds_the_contracts_again(tmp_path: Path) -> None:
    """Without contracts given, recordings are held against those that they were made with, file or dict."""
    recorded(tmp_path / "dict")
    assert combine(tmp_path / "dict").percent == combine(tmp_path / "dict", Contracts([zoo()])).percent > 0
    recorded(tmp_path / "api", contract=Contract(zoo().api))
    assert combine(tmp_path / "api").percent == combine(tmp_path / "dict").percent
    file = tmp_path / "zoo.json"
    file.write_text(json.dumps(ZOO))
    (contract,) = load_contracts([file])
    recorded(tmp_path / "file", contract=contract)
    assert combine(tmp_path / "file").percent > 0
    file.write_text(json.dumps({**ZOO, "paths": {}}))
    assert combine(tmp_path / "file").left_out
    file.unlink()
    gone = combine(tmp_path / "file")
    assert not gone.contracts
    assert f"once {file}, is not at hand; give it with --contract FILE" in gone.left_out[0]


def test_finds_recordings(tmp_path: Path) -> None:
    """Folders give all of their recordings; a file that is named must be there."""
    one, two = recorded(tmp_path / "a"), recorded(tmp_path / "b")
    assert find([tmp_path / "a", two]) == [one, two]
    assert find(tmp_path / "none") == []
    with pytest.raises(UnitError, match="there is no such recording"):
        find([tmp_path / "none.json"])


def test_erases_recordings(tmp_path: Path) -> None:
    """Recordings go; whatever else lies there stays."""
    folder = recorded(tmp_path / "kept").parent
    (folder / "notes.txt").touch()
    assert erase(folder) == 1
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
