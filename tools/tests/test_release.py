"""Releases, rehearsed in a temporary clone."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from tools import cleanroom, packages, release, wheels
from tools.tests.samples import add_package, clone, commit, git

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A clean repository: base, and top which requires it; with a remote that must not hear of anything."""
    git(tmp_path, "init", "--quiet", "--bare", "remote.git")
    (tmp_path / "clone").mkdir()
    folder = clone(tmp_path / "clone")
    git(folder, "remote", "add", "origin", str(tmp_path / "remote.git"))
    add_package(folder, "base")
    add_package(folder, "top", "sample-base>=0.1,<0.2", version="0.4.2")
    commit(folder)
    return folder


@pytest.fixture
def no_clean_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the clean environment where it is not what the test is about: it takes seconds."""
    monkeypatch.setattr(cleanroom, "install", lambda *_arguments: None)


def state(root: Path) -> tuple[str, ...]:
    """Return everything that a failed release must leave as it was."""
    shown = [
        git(root, *command.split()) for command in ("rev-parse HEAD", "status --porcelain", "tag", "worktree list")
    ]
    return (*shown, str(sorted((root / "dist").glob("*"))))


def refused(root: Path, name: str, part: str, message: str, error: type[Exception] = release.ReleaseError) -> None:
    before = state(root)
    with pytest.raises(error, match=message):
        release.release(root, name, part)
    assert state(root) == before


def test_release(root: Path) -> None:
    """One commit with version and changelog, an annotated tag on it, the files in dist/; nothing pushed."""
    assert release.release(root, "base", "minor") == "base-v0.2.0"
    assert git(root, "log", "-1", "--format=%s") == "base: release 0.2.0"
    assert git(root, "rev-list", "--count", "HEAD") == "2"
    assert git(root, "cat-file", "-t", "base-v0.2.0") == "tag"
    assert git(root, "rev-parse", "base-v0.2.0^{}") == git(root, "rev-parse", "HEAD")
    assert git(root, "symbolic-ref", "--short", "HEAD") == "main"
    assert packages.read(root / "packages" / "base").version == "0.2.0"
    assert list((root / "packages" / "base").glob("changelog.d/*.md")) == []
    assert (root / "packages" / "base" / "CHANGELOG.md").read_text().count("- What is new.") == 1
    names = sorted(path.name for path in (root / "dist").iterdir())
    assert names == ["sample_base-0.2.0-py3-none-any.whl", "sample_base-0.2.0.tar.gz"]
    with zipfile.ZipFile(root / "dist" / names[0]) as wheel:
        assert "Version: 0.2.0" in wheel.read("sample_base-0.2.0.dist-info/METADATA").decode()
    assert git(root, "ls-remote", "origin") == ""
    assert git(root, "status", "--porcelain") == ""


@pytest.mark.usefixtures("no_clean_room")
def test_dependents_follow_a_release_that_leaves_their_range(root: Path) -> None:
    """The workspace stays installable: their range moves on in the same commit, with a fragment for their changelog."""
    release.release(root, "base", "patch")
    top = root / "packages" / "top"
    assert packages.read(top).requirements == ("sample-base>=0.1,<0.2",)
    (root / "packages" / "base" / "changelog.d").mkdir(exist_ok=True)
    (root / "packages" / "base" / "changelog.d" / "7.fixed.md").write_text("A fault.\n")
    commit(root)
    release.release(root, "base", "minor")
    assert packages.read(top).requirements == ("sample-base>=0.2,<0.3",)
    fragment = top / "changelog.d" / "+sample-base-0.2.0.changed.md"
    assert fragment.read_text() == "Requires sample-base>=0.2,<0.3.\n"
    assert git(root, "tag").split() == ["base-v0.1.1", "base-v0.2.0"]
    changelog = (root / "packages" / "base" / "CHANGELOG.md").read_text()
    assert changelog.index("## 0.2.0") < changelog.index("## 0.1.1")
    assert "- A fault. (#7)" in changelog
    release.release(root, "top", "major")
    assert "Requires sample-base" in (top / "CHANGELOG.md").read_text()


def test_refused_before_anything_is_done(root: Path) -> None:
    """What can't be released is told why."""
    refused(root, "base", "huge", "'huge' is no part of a version; say major, minor, patch")
    refused(root, "bass", "minor", "no package bass with code; there are: base, top")
    git(root, "tag", "base-v0.2.0")
    refused(root, "base", "minor", "the tag base-v0.2.0 exists already")
    (root / "packages" / "top" / "tests" / "new.py").touch()
    refused(root, "base", "patch", r"(?s)not clean.*packages/top/tests/new.py")


@pytest.mark.usefixtures("no_clean_room")
def test_refused_without_a_fragment(root: Path) -> None:
    """A release of nothing is none; the message shows what to add."""
    (root / "packages" / "base" / "changelog.d" / "+first.added.md").unlink()
    commit(root)
    refused(root, "base", "patch", r"changelog.d holds no fragment.*\+what-is-new.added.md")


@pytest.mark.usefixtures("no_clean_room")
def test_refused_with_a_faulty_wheel(root: Path) -> None:
    """The wheel's faults stop the release after the version was written: the tree shows none of it."""
    (root / "packages" / "base" / "src" / "sample_base" / "py.typed").unlink()
    commit(root)
    refused(root, "base", "minor", "it has no sample_base/py.typed", wheels.WheelError)


@pytest.mark.usefixtures("no_clean_room")
def test_refused_by_a_hook(root: Path) -> None:
    """The last step but one fails: still nothing is left behind."""
    hook = root / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no; exit 1\n")
    hook.chmod(0o755)
    refused(root, "base", "minor", "(?s)commit.*failed.*no")


@pytest.mark.usefixtures("no_clean_room")
def test_tree_that_moved_on_meanwhile(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit made while the release was being built is not lost, nor is the tag left on a commit beside it."""
    build = wheels.build

    def meanwhile(chosen: list[packages.Package], folder: Path, own: list[str]) -> list[Path]:
        (root / "news.md").write_text("x")
        commit(root)
        return build(chosen, folder, own)

    monkeypatch.setattr(wheels, "build", meanwhile)
    with pytest.raises(release.ReleaseError, match="merge"):
        release.release(root, "base", "minor")
    assert (git(root, "tag"), git(root, "status", "--porcelain")) == ("", "")
    assert packages.read(root / "packages" / "base").version == "0.1.0"


@pytest.mark.parametrize(
    ("version", "part", "expected"),
    [("0.1.3", "patch", "0.1.4"), ("0.1.3", "minor", "0.2.0"), ("0.1.3", "major", "1.0.0"), ("1.2", "patch", "1.2.1")],
)
def test_bump(version: str, part: str, expected: str) -> None:
    """The parts below the raised one start again."""
    assert release.bump(version, part) == expected


def test_set_version_changes_one_line() -> None:
    """Other tables may have a version too."""
    before = (
        "[tool.x]\nversion = '1'\n\n[project]\nname = 'a'  # b\nversion  =  '0.1.0'  # c\n\n[tool.y]\nversion = '2'\n"
    )
    assert release.set_version(before, "0.2.0") == before.replace("'0.1.0'", '"0.2.0"')
    with pytest.raises(release.ReleaseError, match="no line"):
        release.set_version("[project]\nname = 'a'\n[tool.y]\nversion = '2'\n", "0.2.0")


@pytest.mark.parametrize(
    ("version", "expected"), [("0.2.0", ">=0.2,<0.3"), ("0.2.9", ">=0.2,<0.3"), ("1.4", ">=1.4,<2")]
)
def test_span(version: str, expected: str) -> None:
    """While a version is 0.x its minor number is what may break."""
    assert release.span(version) == expected


def test_set_range_keeps_what_else_stands_there() -> None:
    """Only the requirement that shuts the version out is changed."""
    before = '[project]\nname = "a"\ndependencies = [\n    "b>=1", # why\n    "Core[x]>=0.1,<0.2",\n]\n'
    assert release.set_range(before, "core", "0.1.7") == before
    assert release.set_range(before, "core", "0.2.0") == before.replace("Core[x]>=0.1,<0.2", "core[x]>=0.2,<0.3")


def test_set_range_reaches_extras() -> None:
    """A range in an extra shuts a release out just as well."""
    before = (
        '[project]\nname = "a"\ndependencies = []\n[project.optional-dependencies]\n'
        'x = ["core>=0.1,<0.2"]\ny = ["core>=0.1,<0.2", "b>=1"]\n'
    )
    assert release.set_range(before, "core", "0.2.0") == before.replace(">=0.1,<0.2", ">=0.2,<0.3")
