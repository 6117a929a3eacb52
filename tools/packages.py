"""The packages of this repository and how they depend on one another, read from their pyproject files.

python tools/packages.py list             names of the packages that have code, as JSON
python tools/packages.py affected BASE    those that a change since the commit BASE can break, as JSON
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

# Outside packages/, only these can change what every package's tests do.
SHARED = (".ci", ".github", "noxfile.py", "pyproject.toml", "tools")


class PackageError(Exception):
    """A package's folder is not as the tools need it."""


@dataclass(frozen=True)
class Package:
    """One folder of packages/ that holds a pyproject.toml.

    Attributes:
        requirements: what it always needs.
        extras: what each of its extras needs besides.
    """

    folder: Path
    distribution: str
    version: str
    requirements: tuple[str, ...] = ()
    classifiers: tuple[str, ...] = ()
    extras: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def import_name(self) -> str:
        return self.distribution.replace("-", "_")

    @property
    def src(self) -> Path:
        return self.folder / "src"

    @property
    def tests(self) -> Path:
        return self.folder / "tests"

    @property
    def pyproject(self) -> Path:
        return self.folder / "pyproject.toml"

    @property
    def all_requirements(self) -> tuple[str, ...]:
        """What it needs with all its extras."""
        return (*self.requirements, *(line for lines in self.extras.values() for line in lines))

    @property
    def has_code(self) -> bool:
        return (self.src / self.import_name / "__init__.py").is_file()


def find(root: Path) -> list[Package]:
    """Return every package that has code; one without any is in no session and in no release."""
    packages = [read(path.parent) for path in sorted((root / "packages").glob("*/pyproject.toml"))]
    for package in packages:
        twins = [other.name for other in packages if other.distribution == package.distribution]
        if len(twins) > 1:
            raise PackageError(f"packages {' and '.join(twins)} are both named {package.distribution}")
    return [package for package in packages if package.has_code]


def read(folder: Path) -> Package:
    """Read one package's pyproject.toml."""
    path = folder / "pyproject.toml"
    try:
        project: dict[str, Any] = tomllib.loads(path.read_text())["project"]
        return Package(
            folder,
            normalized(project["name"]),
            project["version"],
            tuple(project.get("dependencies", ())),
            tuple(project.get("classifiers", ())),
            {name: tuple(lines) for name, lines in project.get("optional-dependencies", {}).items()},
        )
    except tomllib.TOMLDecodeError as error:
        raise PackageError(f"{path}: {error}") from error
    except KeyError as error:
        raise PackageError(f"{path}: no {error.args[0]!r} in it; [project] needs a name and a version") from error


def normalized(name: str) -> str:
    """Return a distribution's name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def required(requirement: str) -> str:
    """Return the distribution that a requirement names: `PyJWT[crypto]>=2,<3` → `pyjwt`."""
    matched = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", requirement)
    if not matched:
        raise PackageError(f"{requirement!r} names no distribution")
    return normalized(matched[1])


def with_extras(where: Path | str, package: Package) -> str:
    """Return pip's words for a package with all its extras: `packages/unit[contract,load]`."""
    return f"{where}[{','.join(package.extras)}]" if package.extras else str(where)


def direct(package: Package, packages: Iterable[Package], *, extras: bool = True) -> list[Package]:
    """Return the other packages of this repository that `package` itself requires."""
    names = {required(requirement) for requirement in (package.all_requirements if extras else package.requirements)}
    return [other for other in packages if other.distribution in names - {package.distribution}]


def closure(package: Package, packages: Sequence[Package], *, extras: bool = True) -> list[Package]:
    """Return `package` after all packages of this repository that it needs, however indirectly.

    Without `extras` only those that come with a plain installation of it.
    """
    ordered: list[Package] = []
    _visit(package, packages, ordered, (), extras)
    return ordered


def dependents(names: Collection[str], packages: Sequence[Package]) -> list[Package]:
    """Return the named packages and each one that needs any of them."""
    return [package for package in packages if any(needed.name in names for needed in closure(package, packages))]


def affected(paths: Iterable[str], packages: Sequence[Package]) -> list[Package]:
    """Return the packages that a change of these files (relative to the root) can break."""
    names: set[str] = set()
    for path in paths:
        first, *rest = Path(path).parts
        if first in SHARED:
            return list(packages)
        if first == "packages" and len(rest) > 1:
            names.add(rest[0])
    return dependents(names, packages)


def changed(root: Path, base: str) -> list[str]:
    """Return the files that differ between the commit `base` and the working tree."""
    command = ["git", "diff", "--name-only", "--no-renames", "-z", base, "--"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PackageError(done.stderr.strip())
    return [path for path in done.stdout.split("\0") if path]


def python_versions(packages: Iterable[Package]) -> set[str]:
    """Return each minor Python version that a classifier of any package names."""
    found = (
        re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", line)
        for package in packages
        for line in package.classifiers
    )
    return {matched[1] for matched in found if matched}


def import_rules(packages: Sequence[Package]) -> str:
    """Return import-linter's configuration that lets a package import only the packages it requires."""
    names = [package.import_name for package in packages]
    lines = ["[tool.importlinter]", f"root_packages = {json.dumps(names)}"]
    for package in packages:
        allowed = {needed.import_name for needed in closure(package, packages)}
        if others := [name for name in names if name not in allowed]:
            lines += [
                "[[tool.importlinter.contracts]]",
                f'name = "{package.name} imports no package that it does not require"',
                'type = "forbidden"',
                f'source_modules = ["{package.import_name}"]',
                f"forbidden_modules = {json.dumps(others)}",
            ]
    return "\n".join(lines) + "\n"


def _visit(
    package: Package, packages: Sequence[Package], ordered: list[Package], above: tuple[str, ...], extras: bool
) -> None:
    if package.name in above:
        raise PackageError(f"packages depend on each other in a circle: {' → '.join((*above, package.name))}")
    for needed in direct(package, packages, extras=extras):
        _visit(needed, packages, ordered, (*above, package.name), extras)
    if package not in ordered:
        ordered.append(package)


def main(arguments: Sequence[str]) -> int:
    """Answer the command line in this module's docstring."""
    root = Path(__file__).resolve().parent.parent
    try:
        packages = find(root)
        match arguments:
            case ["list"]:
                chosen = packages
            case ["affected", base]:
                chosen = affected(changed(root, base), packages)
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except PackageError as error:
        print(f"tools/packages.py: {error}", file=sys.stderr)
        return 2
    print(json.dumps([package.name for package in chosen]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
