"""The documentation is true: what it shows is run, and its tables say what the code says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import pages

import tables

if TYPE_CHECKING:
    from collections.abc import Callable

LINK = pages.re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def _name(page: Path) -> str:
    return page.stem


def _pass_tests(folder: Path, *options: str) -> None:
    """Run the tests of a service as its developers do, apart from this repository's settings."""
    own = ["-c", os.devnull, "--rootdir", str(folder), "-p", "no:cacheprovider", "-W", "error", *options]
    subprocess.run([sys.executable, "-m", "pytest", "-q", *own, "tests"], cwd=folder, check=True, timeout=120)


@pytest.mark.parametrize("page", [p for p in pages.PAGES if pages.steps(p)], ids=_name)
def test_commands_print_what_the_page_says(page: Path, tmp_path: Path) -> None:
    """Each command of a page, run in order in an empty folder, prints what stands below it."""
    for step, printed in pages.run(page, tmp_path):
        assert "No such file or directory" not in printed, f"$ {step.command}\n{printed}"
        if step.expected:
            assert pages.agrees(step.expected, printed), f"$ {step.command}\n{printed}"


@pytest.mark.parametrize(
    "page",
    [p for p in pages.PAGES if pages.programs(p) and p.stem not in ("README", "index")],
    ids=_name,
)
def test_python_runs(page: Path, tmp_path: Path) -> None:
    """The Python of a page runs as one program."""
    program = tmp_path / "page.py"
    program.write_text("\n".join(pages.programs(page)), encoding="utf-8")
    subprocess.run([sys.executable, "-W", "error", str(program)], cwd=tmp_path, check=True, timeout=60)


def test_the_shown_server_is_the_scaffolds_own(tmp_path: Path) -> None:
    """The server.py of the index does what the one made by pym init does, and the README shows a real handler."""
    subprocess.run([sys.executable, "-m", "pymacaron.cli", "init", "x"], cwd=tmp_path, check=True, timeout=60)
    (shown,) = pages.blocks(pages.ROOT / "docs" / "index.md", "python")
    (tmp_path / "x" / "server.py").write_text(shown, encoding="utf-8")
    _pass_tests(tmp_path / "x")
    (handler,) = pages.blocks(pages.ROOT / "README.md", "python")
    body = handler.partition("\n")[2]
    assert body in (tmp_path / "x" / "handlers.py").read_text(encoding="utf-8")


def test_the_shown_class_is_the_examples_own() -> None:
    """What the page on persistence shows of desk/books.py stands there."""
    first = "# desk/books.py\n"
    shown = [
        block for block in pages.blocks(pages.ROOT / "docs" / "persistence.md", "python") if block.startswith(first)
    ]
    source = (pages.ROOT / "examples" / "library" / "desk" / "books.py").read_text(encoding="utf-8")
    assert len(shown) == 2
    assert all(block.removeprefix(first) in source for block in shown)


@pytest.mark.parametrize(
    ("name", "options"), [("helloworld", []), ("postoffice", ["--pym-target", "."]), ("library", [])]
)
def test_examples_pass_their_own_tests(name: str, options: list[str], tmp_path: Path) -> None:
    """The tests of the example services pass, and exercise every operation of their contracts."""
    folder = shutil.copytree(pages.ROOT / "examples" / name, tmp_path / name)
    _pass_tests(folder, "--pym-cov-report", "json:coverage.json", *options)
    covered = json.loads((folder / "coverage.json").read_text(encoding="utf-8"))
    assert covered["operation_percent"] == 100


@pytest.mark.parametrize(
    ("page", "rows"),
    [
        ("configuration", tables.configuration),
        ("commands", tables.commands),
        ("plugins", tables.hooks),
        ("check", tables.rules),
        ("async", tables.async_keys),
        ("async", tables.brokers),
        ("persistence", tables.table_settings),
        ("persistence", tables.dynamodb_keys),
        ("persistence", tables.dynamodb_exceptions),
        ("persistence", tables.db_commands),
        ("persistence", tables.differences),
    ],
)
def test_tables_say_what_the_code_says(page: str, rows: Callable[[], list[str]]) -> None:
    """Every key, command and hook stands in its table, with its options, default or fields."""
    text = (pages.ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    missing = [row for row in rows() if row not in text.splitlines()]
    assert not missing, f"docs/{page}.md lacks these rows:\n" + "\n".join(missing)


@pytest.mark.parametrize("page", pages.PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page names a file that exists."""
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert "://" in target or (page.parent / target).exists(), target
