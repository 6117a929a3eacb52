"""The command tools/dev.py."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tools import children, commands, environment, packages, results
from tools.tests.samples import ROOT, add_package, clone

if TYPE_CHECKING:
    from pathlib import Path

DEV = ROOT / "tools" / "dev.py"

# Started before anything else: hides a module as a packager does who left it out.
HIDE = """
import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "ensurepip" else real(name, package)
"""


def test_old_python_is_told_what_is_needed() -> None:
    """The file has no syntax that an old Python can't read, and the first thing it does is to check."""
    tree = ast.parse(DEV.read_text(), feature_version=(3, 7))
    newer = (ast.JoinedStr, ast.AnnAssign, ast.FunctionDef, ast.NamedExpr, ast.Match)
    assert not [node for node in ast.walk(tree) if isinstance(node, newer)]
    pretend = f"import sys, runpy; sys.version_info = (3, 6, 15); runpy.run_path({str(DEV)!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", pretend], capture_output=True, check=False, text=True)
    assert done.returncode == 2
    assert done.stderr == "tools/dev.py needs Python >= 3.11, this is 3.6.15; run it with python3.11 or newer\n"


def test_missing_venv_module_gets_the_mend(tmp_path: Path) -> None:
    """A Python whose packager left venv out: one line with the command to run, nothing made."""
    (tmp_path / "hide").mkdir()
    (tmp_path / "hide" / "sitecustomize.py").write_text(HIDE)
    (tmp_path / "clone").mkdir()
    root = clone(tmp_path / "clone")
    add_package(root, "base")
    for command in ("test", "serve"):
        done = subprocess.run(
            [sys.executable, "tools/dev.py", command],
            cwd=root, env={"PYTHONPATH": str(tmp_path / "hide")}, capture_output=True, check=False, text=True,
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (2, "")
        assert "ensurepip" in done.stderr
        assert "apt install python3." in done.stderr
        assert done.stderr.count("\n") == 1
    assert not (root / ".venv").exists()


def test_plan() -> None:
    """The whole repository first, then each package on each Python."""
    assert commands.plan(["core", "unit"], ["3.11", "3.12"], common=True) == [
        "lint", "typing", "docs", "tools",
        "tests-3.11(core)", "tests-3.12(core)", "tests-3.11(unit)", "tests-3.12(unit)",
    ]  # fmt: skip
    assert commands.plan(["core"], ["3.11"], common=False) == ["tests-3.11(core)"]


def test_unknown_package_is_named(tmp_path: Path) -> None:
    """A typing error lists what there is."""
    add_package(tmp_path, "base")
    found = packages.find(tmp_path)
    assert commands.choose([], found) == ["base"]
    with pytest.raises(packages.PackageError, match="no package bass; there are: base"):
        commands.choose(["bass"], found)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of one package, whose nox is a script that the test writes."""
    monkeypatch.setattr(commands, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "ensure", lambda _root: tmp_path / "nox")
    add_package(tmp_path, "base")
    return tmp_path


def fake_nox(root: Path, body: str) -> None:
    """Put a script where dev.py runs nox: it has `sessions`, `report` and `junit(session)` to work with."""
    preamble = (
        f"#!{sys.executable}\nimport json, os, sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom pathlib import Path\n"
        "from tools.results import junit_file\n"
        "sessions = sys.argv[sys.argv.index('--session') + 1:]\n"
        "def report(result): Path(sys.argv[sys.argv.index('--report') + 1]).write_text(json.dumps({'sessions': "
        "[{'name': name, 'signatures': [name], 'result': result, 'duration': 1} for name in sessions]}))\n"
        "def junit(name): junit_file(Path(os.environ['PYM_TEST_RESULTS']), name).write_text("
        "'<testsuites><testcase/><testcase><skipped message=\"no redis\"/></testcase></testsuites>')\n"
    )
    (root / "nox").write_text(preamble + body)
    (root / "nox").chmod(0o755)


def test_last_line_counts(repository: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """After what the sessions print comes what ran, what was left out and, last, the count."""
    (repository / "packages" / "base" / "system-packages.txt").write_text("no-such-package-of-debian\n")
    fake_nox(repository, "print('streamed')\nreport('success')\n[junit(name) for name in sessions if '(' in name]\n")
    assert commands.main(["test", "--no-system"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0] == "streamed"
    assert "lint 1 s" in lines[2]
    assert "(base) 1 s" in lines[2]
    assert lines[-2] == "left out: tests that need Debian packages (--no-system): no-such-package-of-debian"
    assert lines[-1] == "5 passed, 0 failed, 1 skipped"
    assert not list((repository / ".nox").iterdir())


def test_no_system_is_told_to_the_sessions(repository: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Tests learn from one variable that they are to be left out; the caller's settings of nox do not get in."""
    fake_nox(repository, "report('success')\nprint(os.environ.get('PYM_TEST_NO_SYSTEM'))\n")
    commands.main(["test", "base"])
    commands.main(["test", "base", "--no-system"])
    lines = capfd.readouterr().out.splitlines()
    assert [line for line in lines if line in ("1", "None")] == ["None", "1"]


def test_debian_packages_come_first(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A user who is not root gets one line with the command, and then the tests."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    (repository / "packages" / "base" / "system-packages.txt").write_text("no-such-package-of-debian\n")
    fake_nox(repository, "report('success')\n")
    assert commands.main(["test", "base"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].endswith("sudo apt-get install --no-install-recommends no-such-package-of-debian")
    assert lines[-1].endswith("0 failed, 0 skipped")


def test_nox_that_dies_is_a_failure(repository: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Each session that left no trace is one failure, and the status says so."""
    fake_nox(repository, "sys.exit(0)")
    assert commands.main(["test", "base"]) == 1
    assert capfd.readouterr().out.splitlines()[-1] == "0 passed, 1 failed, 0 skipped"


def test_status_of_nox_is_passed_on(repository: Path) -> None:
    """Even where every count is fine."""
    fake_nox(repository, "report('success')\nsys.exit(3)")
    assert commands.main(["test", "base"]) == 3


def test_serve_hands_the_port_on(repository: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Without --port the example chooses."""
    fake_nox(repository, "print(json.dumps(sys.argv[-5:]))")
    assert commands.main(["serve", "--port", "8123"]) == 0
    assert json.loads(capfd.readouterr().out) == ["--session", "serve", "--", "--port", "8123"]


@pytest.mark.parametrize(("arguments", "status"), [(["serve"], 0), (["test"], 130)])
def test_stop(repository: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], status: int) -> None:
    """Stopping the service is its normal end; a stopped test run is not green."""

    def stopped(*_arguments: object) -> int:
        raise children.Stopped

    monkeypatch.setattr(children, "run", stopped)
    assert commands.main(arguments) == status


def test_machine_without_a_supported_python(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """No run of nothing that looks green."""
    monkeypatch.setattr(packages, "python_versions", lambda _found: {"3.98", "3.99"})
    assert commands.main(["test"]) == 2
    assert "found no CPython 3.98 or 3.99" in capfd.readouterr().err


def test_ci_runs_the_same_command() -> None:
    """What CI runs is what a developer runs, so that its last line is the count."""
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert lines[-1] == "exec python3 tools/dev.py test"
    assert importlib.util.find_spec("tools.commands") is not None
    assert results.Count() == results.total([])
