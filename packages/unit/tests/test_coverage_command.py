"""``pym coverage``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from coverage_cases import ZOO, call, zoo
from pymacaron_unit.contracts import Contracts
from pymacaron_unit.coverage import FOLDER, Recorder
from pymacaron_unit.coverage.command import coverage


def run(*arguments: str) -> Result:
    """Run the command in the working folder."""
    return CliRunner().invoke(coverage, arguments)


@pytest.fixture
def recording() -> Path:
    """Keep a recording where the command looks for it."""
    recorder = Recorder(Contracts([zoo()]))
    recorder.record(call(zoo(), "GET", "/animals"))
    return recorder.save(FOLDER)


@pytest.mark.usefixtures("recording")
def test_shows_what_was_recorded_here() -> None:
    """Without arguments it shows the table of this folder's recordings; -v lists all that is missing."""
    short, long = run(), run("-v")
    assert short.exit_code == long.exit_code == 0
    assert "GET /animals  list" in short.output
    assert "pym coverage -v lists all" in short.output
    assert len(long.output.splitlines()) > len(short.output.splitlines())


def test_writes_files(recording: Path) -> None:
    """It writes pages and JSON, of the recordings that it is given."""
    made = run(str(recording), "--html", "pages", "--json", "out/coverage.json")
    assert made.exit_code == 0, made.output
    assert Path("pages/index.html").is_file()
    assert json.loads(Path("out/coverage.json").read_text())["counts"]["operation"] == {"exercised": 1, "all": 3}
    assert json.loads(run("--json", "-").stdout)["contracts"][0]["name"] == "zoo"


@pytest.mark.usefixtures("recording")
def test_fails_where_too_little_was_exercised() -> None:
    """The exit status is 2 below the limit, and says how much is missing."""
    assert run("--fail-under", "5").exit_code == 0
    failed = run("--fail-under", "90")
    assert failed.exit_code == 2
    assert "were exercised, less than 90 %" in failed.output


@pytest.mark.usefixtures("recording")
def test_holds_recordings_against_a_contract() -> None:
    """A contract that is given counts in place of the recorded one."""
    Path("zoo.json").write_text(json.dumps({**ZOO, "paths": {}}))
    made = run("--contract", "zoo.json")
    assert made.exit_code == 0
    assert "the contract zoo has changed since" in made.output


def test_says_what_is_missing() -> None:
    """Without recordings it fails with the mend."""
    empty = run()
    assert empty.exit_code == 1
    assert "there are no recordings; run the tests with --pym-cov first" in empty.output


def test_erases(recording: Path) -> None:
    """--erase removes the recordings, so that the next run starts anew."""
    assert run("--erase").exit_code == 0
    assert not recording.exists()
