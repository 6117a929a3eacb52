"""Make one package's release: a commit and an annotated tag. Nothing is pushed; a person pushes, CI publishes.

python -m tools.release PACKAGE major|minor|patch

All is done in a git worktree beside the tree, which takes over the finished commit only at the very end:
whatever fails before leaves the tree as it was. The version is edited here, with the meaning that `poetry
version` gives to major, minor and patch, because the Poetry command itself would be a dozen more packages
in the release environment for one line of one file.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.version import Version

from tools import cleanroom, packages, wheels

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PARTS = ("major", "minor", "patch")


class ReleaseError(Exception):
    """The release can't be made; nothing has changed."""


def release(root: Path, name: str, part: str) -> str:
    """Release a package and return the tag."""
    _check_clean(root)
    before = _package(root, name)
    version = bump(before.version, part)
    tag = f"{name}-v{version}"
    if git(root, "tag", "--list", tag):
        raise ReleaseError(f"the tag {tag} exists already")
    with _worktree(root) as tree, tempfile.TemporaryDirectory() as scratch:
        _write(tree, _package(tree, name), version)
        built = _try_out(tree, name, Path(scratch))
        git(tree, "add", "--all")
        git(tree, "commit", "--quiet", "--message", f"{name}: release {version}")
        commit = git(tree, "rev-parse", "HEAD")
        _take_over(root, commit, tag, f"{before.distribution} {version}")
        _keep(built, root / "dist")
    return tag


def bump(version: str, part: str) -> str:
    """Return the version after this one: `bump("0.1.3", "minor")` is 0.2.0."""
    if part not in PARTS:
        raise ReleaseError(f"{part!r} is no part of a version; say {', '.join(PARTS)}")
    numbers = [*Version(version).release, 0, 0]
    at = PARTS.index(part)
    return ".".join(map(str, [*numbers[:at], numbers[at] + 1, *[0] * (2 - at)]))


def set_version(text: str, version: str) -> str:
    """Return a pyproject.toml with another [project] version and every other character as it was."""
    pattern = r"""(?ms)(^\[project\]\s*$(?:(?!^\[).)*?^version\s*=\s*)(["'])[^"'\n]*\2"""
    changed, times = re.subn(pattern, rf'\g<1>"{version}"', text, count=1)
    if not times or tomllib.loads(changed)["project"]["version"] != version:
        raise ReleaseError('pyproject.toml has no line `version = "…"` under [project]')
    return changed


def span(version: str) -> str:
    """Return the range that dependents put on a version of a package of this repository."""
    major, minor, *_ = Version(version).release
    return f">={major}.{minor},<{major}.{minor + 1}" if major == 0 else f">={major}.{minor},<{major + 1}"


def set_range(text: str, distribution: str, version: str) -> str:
    """Return a pyproject.toml whose requirement on `distribution` admits `version`; unchanged if it does."""
    project = tomllib.loads(text)["project"]
    optional = project.get("optional-dependencies", {}).values()
    for line in chain(project.get("dependencies", []), *optional):
        parsed = Requirement(line)
        if packages.normalized(parsed.name) == distribution and version not in parsed.specifier:
            extras = f"[{','.join(sorted(parsed.extras))}]" if parsed.extras else ""
            text = text.replace(f'"{line}"', f'"{distribution}{extras}{span(version)}"')
    return text


def fragments(package: packages.Package) -> list[Path]:
    """Return the changelog fragments of a package."""
    return sorted(path for path in package.folder.glob("changelog.d/*.md") if path.name != "README.md")


def git(folder: Path, *arguments: str) -> str:
    """Run git and return what it prints."""
    return run(folder, "git", *arguments).strip()


def run(folder: Path, *command: str) -> str:
    """Run a command and return what it prints."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseError(f"`{' '.join(command)}` failed:\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


def _check_clean(root: Path) -> None:
    if dirt := git(root, "status", "--porcelain"):
        raise ReleaseError(f"the tree is not clean; commit or stash first:\n{dirt}")


def _package(root: Path, name: str) -> packages.Package:
    found = {package.name: package for package in packages.find(root)}
    if name not in found:
        raise ReleaseError(f"there is no package {name} with code; there are: {', '.join(found)}")
    return found[name]


@contextmanager
def _worktree(root: Path) -> Iterator[Path]:
    """Check HEAD out in a folder of its own; it shares hooks and settings with the tree."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        git(root, "worktree", "add", "--quiet", "--detach", str(tree))
        try:
            yield tree
        finally:
            git(root, "worktree", "remove", "--force", str(tree))


def _write(tree: Path, package: packages.Package, version: str) -> None:
    """Write the version, the ranges of dependents that it would break, and the changelog."""
    if not fragments(package):
        raise ReleaseError(
            f"packages/{package.name}/changelog.d holds no fragment, so there is nothing to release; "
            f"add one, such as packages/{package.name}/changelog.d/+what-is-new.added.md"
        )
    package.pyproject.write_text(set_version(package.pyproject.read_text(), version))
    for other in packages.find(tree):
        _follow(other, package.distribution, version)
    config = Path(__file__).with_name("towncrier.toml")
    arguments = ["--config", str(config), "--dir", str(package.folder), "--name", package.distribution]
    run(tree, sys.executable, "-m", "towncrier", "build", *arguments, "--version", version, "--yes")


def _follow(package: packages.Package, distribution: str, version: str) -> None:
    text = package.pyproject.read_text()
    changed = set_range(text, distribution, version)
    if changed != text:
        package.pyproject.write_text(changed)
        fragment = package.folder / "changelog.d" / f"+{distribution}-{version}.changed.md"
        fragment.parent.mkdir(exist_ok=True)
        fragment.write_text(f"Requires {distribution}{span(version)}.\n")


def _try_out(tree: Path, name: str, scratch: Path) -> list[Path]:
    """Build the package with what it needs and try the wheels; return the files to release."""
    found = packages.find(tree)
    needed = packages.closure(_package(tree, name), found)
    own = [package.distribution for package in found]
    built = wheels.build(needed, scratch / "wheels", own)
    cleanroom.install(built, needed, scratch)
    return sorted((scratch / "wheels").glob(f"{needed[-1].import_name}-*"))


def _take_over(root: Path, commit: str, tag: str, message: str) -> None:
    git(root, "tag", "--annotate", "--message", message, tag, commit)
    try:
        git(root, "merge", "--quiet", "--ff-only", commit)
    except ReleaseError:
        git(root, "tag", "--delete", tag)
        raise


def _keep(built: Sequence[Path], folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for path in built:
        shutil.copy(path, folder)


def main(arguments: Sequence[str]) -> int:
    """Answer the command line in this module's docstring."""
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        tag = release(Path(__file__).resolve().parent.parent, *arguments)
    except (ReleaseError, packages.PackageError, wheels.WheelError, cleanroom.CleanroomError) as error:
        print(f"tools/release.py: {error}", file=sys.stderr)
        return 1
    print(f"made {tag}; when it is right: git push --follow-tags")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
