"""The command ``pym load``, on services that listen."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner

from load_service import Pets, pets, write_contract
from pymacaron_unit.load.command import load

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.once

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "helloworld"
COMMAND = "import sys; from pymacaron_unit.load.command import load; sys.exit(load.main(standalone_mode=False))"


@pytest.fixture
def service() -> Iterator[tuple[Pets, str]]:
    """Pets, served."""
    yield from pets()


class Done:
    """A run of the command: its status, what it printed, and the figures that it wrote."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        file = folder / "figures.json"
        chosen = ["--rate", "50", "--duration", "0.4", "--warmup", "0", "--contract", write_contract(folder)]
        result = CliRunner().invoke(load, [*chosen, "--json", str(file), *arguments], standalone_mode=False)
        assert not isinstance(result.exception, click.ClickException) or result.exception.exit_code == 2
        self.error = result.exception.format_message() if isinstance(result.exception, click.ClickException) else ""
        if result.exception is not None and not self.error:
            raise result.exception
        self.status = result.return_value
        self.text = result.output
        self.figures: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}


def test_safe_operations_are_called(service: tuple[Pets, str], tmp_path: Path) -> None:
    """All that are GET, equally often, at the rate asked for; nothing that changes something."""
    seen, url = service[0].seen, service[1]
    done = Done(tmp_path, "--target", url, "--rate", "60", "--duration", "1", "--warmup", "0.5")
    assert done.status == 0
    assert {method for method, _, _ in seen} == {"GET"}
    assert len(seen) == 90
    assert done.figures["calls"] == 60
    assert {name: each["calls"] for name, each in done.figures["operations"].items()} == {
        "listPets": 20, "getPet": 20, "myPet": 20,
    }  # fmt: skip
    assert len({path for _, path, _ in seen}) > 20
    assert done.figures["response_time_ms"]["count"] == 60
    assert done.figures["rate_asked_per_s"] == 60
    assert 0 < done.figures["rate_achieved_per_s"] <= 60
    assert f"{url}: 60 calls" in done.text


def test_named_operation_is_called_whatever_it_does(service: tuple[Pets, str], tmp_path: Path) -> None:
    """To name it is to mean it; --allow-unsafe means all."""
    assert Done(tmp_path, "--target", service[1], "--operation", "deletePet").figures["answers"] == {"204": 20}
    assert {method for method, _, _ in service[0].seen} == {"DELETE"}
    Done(tmp_path, "--target", service[1], "--allow-unsafe")
    assert {method for method, _, _ in service[0].seen} == {"DELETE", "GET", "POST"}


def test_values_are_sent(service: tuple[Pets, str], tmp_path: Path) -> None:
    """Ids that exist, one after another; without them an id is made up, and the report says what 404 means."""
    chosen = ["--target", service[1], "--operation", "getPet"]
    made_up = Done(tmp_path, *chosen)
    assert made_up.figures["errors"]["status 404"] > 0
    assert "give some that exist with --values" in made_up.text
    service[0].seen.clear()
    (tmp_path / "ids.yaml").write_text("pet_id: [3, 4]\n")
    done = Done(tmp_path, *chosen, "--values", str(tmp_path / "ids.yaml"))
    assert done.figures["answers"] == {"200": 20}
    assert Counter(path for _, path, _ in service[0].seen) == {"/v1/pets/3": 10, "/v1/pets/4": 10}


@pytest.mark.parametrize(
    ("text", "message"),
    [("- 1\n", "holds list; write one parameter a line"), ("pet: 3\n", "no chosen operation has a parameter pet;"),
     ("pet_id: x\n", "no request of getPet can be made: path /pet_id"), ("a: [\n", "ids.yaml: while parsing")],
)  # fmt: skip
def test_values_that_can_not_be(service: tuple[Pets, str], tmp_path: Path, text: str, message: str) -> None:
    """A wrong file, a parameter that nobody has, and a value that breaks the contract are refused before any call."""
    (tmp_path / "ids.yaml").write_text(text)
    arguments = ["--target", service[1], "--operation", "getPet", "--values", str(tmp_path / "ids.yaml")]
    assert message in Done(tmp_path, *arguments).error
    assert service[0].seen == []


def test_goals_decide_the_status(service: tuple[Pets, str], tmp_path: Path) -> None:
    """1 where one fails, with which and what it was; the figures are written all the same."""
    good = ["--target", service[1], "--operation", "myPet", "--assert", "errors<1%", "--assert", "rate > 0/s"]
    passed = Done(tmp_path, *good)
    assert passed.status == 0
    assert passed.text.splitlines()[-2] == "errors<1%: yes, it is 0%"
    failed = Done(tmp_path, *good, "--assert", "p99<0ms", "--assert", "max<1us")
    assert failed.status == 1
    assert [each["met"] for each in failed.figures["goals"]] == [True, True, False, False]
    assert failed.text.splitlines()[-1].startswith("max<1us: FAILED, it is ")


def test_broken_answers_are_found(service: tuple[Pets, str], tmp_path: Path) -> None:
    """A sample of the answers is checked against the contract; the report says of how many, and what is wrong."""
    service[0].broken = True
    done = Done(tmp_path, "--target", service[1], "--rate", "100", "--operation", "listPets", "--assert", "invalid<1")
    assert done.status == 1
    samples = done.figures["samples"]
    assert (samples["answers"], samples["checked"], samples["invalid"]) == (40, 20, 20)
    [(fault, times)] = samples["faults"].items()
    assert fault.startswith("listPets, status 200: body /0")
    assert times == 20
    assert "contract: 20 of 20 sampled answers broke it (of 40;" in done.text
    assert f"20 x {fault}" in done.text


def test_stall_shows_in_response_time(service: tuple[Pets, str], tmp_path: Path) -> None:
    """One call at a time and one stall of a second: service time has one slow call, response time has all after it."""
    service[0].stall_at = 5
    arguments = ["--operation", "myPet", "--concurrency-limit", "1", "--duration", "1", "--rate", "40"]
    done = Done(tmp_path, "--target", service[1], *arguments)
    assert done.figures["response_time_ms"]["p50"] > done.figures["service_time_ms"]["p50"]
    assert done.figures["response_time_ms"]["max"] >= 1000
    assert done.figures["late"] > 20
    assert "late: " in done.text
    assert sum(slot["answers"] for slot in done.figures["timeline"]) == 40


def test_errors_are_counted_by_kind(service: tuple[Pets, str], tmp_path: Path) -> None:
    """A stall beyond the timeout: calls are given up, and count with the time that they were waited for."""
    service[0].stall_at = 0
    done = Done(tmp_path, "--target", service[1], "--operation", "myPet", "--timeout", "0.3")
    assert done.figures["errors"]["timeout"] >= 1
    assert done.figures["response_time_ms"]["max"] >= 300
    assert f"errors: {sum(done.figures['errors'].values())} of 20 calls" in done.text


def test_bounded_in_count(service: tuple[Pets, str], tmp_path: Path) -> None:
    """--max-requests ends the run, and the report says so."""
    done = Done(tmp_path, "--target", service[1], "--max-requests", "7", "--poisson", "--seed", "5")
    assert len(service[0].seen) == done.figures["calls"] == 7
    assert done.figures["ended_by_max_requests"]
    assert "ended after 7 calls (--max-requests)" in done.text


@pytest.mark.parametrize(
    "arguments",
    [["--rate", "5001"], ["--rate", "0"], ["--duration", "601"], ["--max-requests", "1000001"], ["--timeout", "61"],
     ["--concurrency-limit", "1001"], ["--assert", "p99<200"], ["--header", "no colon"], ["--rate", "nan"]],
)  # fmt: skip
def test_hard_bounds(service: tuple[Pets, str], tmp_path: Path, arguments: list[str]) -> None:
    """No option asks for more than the bounds; junk is refused before anything is called."""
    assert "Invalid value" in Done(tmp_path, "--target", service[1], *arguments).error
    assert service[0].seen == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target", "http://192.0.2.1:80"], "192.0.2.1:80 is not on this machine"),
        (["--target", "http://api.example.com"], "--allow-remote api.example.com"),
        (["--target", "http://localhost.example.com/"], "is not on this machine"),
        (["--target", "http://127.0.0.1@example.com/"], "is not on this machine"),
        (["--target", "http://192.0.2.1", "--allow-remote", "192.0.2.2"], "names '192.0.2.2', but the target is"),
        (["--target", "app"], "has no socket to load"),
    ],
)
def test_targets_that_are_refused(tmp_path: Path, arguments: list[str], message: str) -> None:
    """What is not on this machine, however it is written, unless its own name is repeated; and what has no socket."""
    assert message in Done(tmp_path, *arguments).error


def test_unknown_operation_and_no_safe_one(service: tuple[Pets, str], tmp_path: Path) -> None:
    """Both say what there is."""
    assert "did you mean 'getPet'?" in Done(tmp_path, "--target", service[1], "--operation", "getPets").error
    (tmp_path / "unsafe.json").write_text(json.dumps({
        "openapi": "3.1.0", "info": {"title": "t", "version": "1"},
        "paths": {"/x": {"post": {"operationId": "makeX", "responses": {"204": {"description": "d"}}}}},
    }))  # fmt: skip
    message = _error("--rate", "5", "--target", service[1], "--contract", str(tmp_path / "unsafe.json"))
    assert "no operation has a safe method (GET, HEAD)" in message
    assert "makeX" in message
    assert service[0].seen == []


def _error(*arguments: str) -> str:
    with pytest.raises(click.ClickException) as caught:
        load.main(list(arguments), standalone_mode=False)
    return caught.value.format_message()


def test_header_is_sent(service: tuple[Pets, str], tmp_path: Path) -> None:
    """With every call, and in place of a token."""
    Done(tmp_path, "--target", service[1], "--header", "Authorization: Basic eDp5", "--operation", "myPet")
    assert {authorization for _, _, authorization in service[0].seen} == {"Basic eDp5"}


def test_interrupt_still_reports(service: tuple[Pets, str], tmp_path: Path) -> None:
    """^C ends the run early; figures and chart are there, and the status is 130."""
    files = ["--json", "figures.json", "--svg", "chart.svg"]
    arguments = ["--rate", "50", "--duration", "300", "--warmup", "0", "--target", service[1], *files]
    command = [sys.executable, "-c", COMMAND, *arguments, "--contract", write_contract(tmp_path)]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    try:
        while len(service[0].seen) < 10 and process.poll() is None:
            pass
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "ended early by an interrupt" in output
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["interrupted"]
    assert 10 <= figures["calls"] + figures["unfinished"] <= len(service[0].seen)
    assert (tmp_path / "chart.svg").read_text().startswith("<svg ")


def test_service_folder_with_its_tokens(tmp_path: Path) -> None:
    """The example service is started from its folder, called with a token of the user, and stopped."""
    folder = shutil.copytree(EXAMPLE, tmp_path / "service")
    command = [sys.executable, "-c", COMMAND, "--rate", "20", "--duration", "0.5", "--user", "bob", "--json", "f.json"]
    done = subprocess.run(
        [*command, "--operation", "my_loans"], cwd=folder, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads((folder / "f.json").read_text())
    assert figures["answers"] == {"200": 10}
    assert figures["samples"]["invalid"] == 0
    assert f"the service in {folder}: 10 calls" in done.stdout
