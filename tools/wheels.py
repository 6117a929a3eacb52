"""Build the packages' wheels and sdists, and check what is inside a wheel.

python -m tools.wheels build FOLDER PACKAGE ...
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from tools import packages

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from email.message import Message


class WheelError(Exception):
    """A wheel can't be built, or must not be released as it is."""


def build(chosen: Sequence[packages.Package], folder: Path, own: Collection[str]) -> list[Path]:
    """Build sdist and wheel (the wheel from the sdist) of each package into `folder`; return the wheels.

    `own` are the distributions of this repository, see `faults`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [_build_one(package, folder, own) for package in chosen]


def wheel_path(package: packages.Package, folder: Path) -> Path:
    """Return where `build` puts the wheel of a package."""
    return folder / f"{package.import_name}-{package.version}-py3-none-any.whl"


def faults(wheel: Path, package: packages.Package, own: Collection[str]) -> Iterator[str]:
    """Yield what is wrong with a wheel, each with its mend.

    Ranges on distributions of this repository (`own`) need both bounds: while they are 0.x, any minor
    version may break another package.
    """
    with zipfile.ZipFile(wheel) as archive:
        members = archive.namelist()
        metadata = next((name for name in members if name.endswith(".dist-info/METADATA")), None)
        if metadata is None:
            yield "it has no METADATA; build it with poetry-core"
            return
        headers = message_from_bytes(archive.read(metadata))
    yield from _identity_faults(headers, package)
    for requirement in headers.get_all("Requires-Dist", []):
        yield from _requirement_faults(requirement, own)
    if f"{package.import_name}/py.typed" not in members:
        yield f"it has no {package.import_name}/py.typed; add that empty file"
    strays = {name.split("/")[0] for name in members} - {package.import_name, metadata.split("/")[0]}
    if strays:
        yield f"it would install {', '.join(sorted(strays))} too; include only {package.import_name} from src"


def _build_one(package: packages.Package, folder: Path, own: Collection[str]) -> Path:
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(package.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise WheelError(f"{package.name} does not build:\n{done.stdout}{done.stderr}")
    wheel = wheel_path(package, folder)
    if not wheel.exists():
        raise WheelError(f"{package.name} built no {wheel.name}; there are: {', '.join(_names(folder))}")
    if wrong := list(faults(wheel, package, own)):
        raise WheelError("\n".join(f"{wheel.name}: {fault}" for fault in wrong))
    return wheel


def _identity_faults(headers: Message, package: packages.Package) -> Iterator[str]:
    name, version = packages.normalized(str(headers["Name"])), str(headers["Version"])
    if name != package.distribution:
        yield f"it is named {name}, {package.pyproject.name} says {package.distribution}; build it again"
    if version != package.version:
        yield f"its version is {version}, {package.pyproject.name} says {package.version}; build it again"


def _requirement_faults(requirement: str, own: Collection[str]) -> Iterator[str]:
    if "file://" in requirement:
        yield f"it requires {requirement!r}, a folder of one machine; require a range of versions"
        return
    parsed = Requirement(requirement)
    operators = {each.operator for each in parsed.specifier}
    if packages.normalized(parsed.name) in own and not ({">="} <= operators and operators & {"<", "<="}):
        yield f"it requires {requirement!r} without both bounds; write >=0.N,<0.(N+1)"


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def main(arguments: Sequence[str]) -> int:
    """Answer the command line in this module's docstring."""
    match arguments:
        case ["build", folder, *names]:
            pass
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    found = packages.find(Path(__file__).resolve().parent.parent)
    chosen = [package for package in found if package.name in names]
    try:
        built = build(chosen, Path(folder), [package.distribution for package in found])
    except WheelError as error:
        print(f"tools/wheels.py: {error}", file=sys.stderr)
        return 1
    print(*(f"built and checked {wheel.name}" for wheel in built), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
