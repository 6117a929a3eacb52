"""Building wheels, and what makes one unfit for a release."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from tools import packages, wheels
from tools.tests.samples import add_package

if TYPE_CHECKING:
    from pathlib import Path

OWN = ["sample-base", "sample-top"]
METADATA = "Metadata-Version: 2.4\nName: {name}\nVersion: {version}\nRequires-Dist: {requires}\n"


@pytest.fixture
def package(tmp_path: Path) -> packages.Package:
    return packages.read(add_package(tmp_path, "top"))


def wheel(
    folder: Path,
    *extra: str,
    name: str = "sample-top",
    version: str = "0.1.0",
    requires: str = "sample-base (>=0.1,<0.2)",
    typed: bool = True,
    metadata: bool = True,
) -> Path:
    """Write a wheel; by default one without fault."""
    path = folder / "sample_top-0.1.0-py3-none-any.whl"
    members = {"sample_top/__init__.py": "", "sample_top-0.1.0.dist-info/RECORD": "", **dict.fromkeys(extra, "")}
    if typed:
        members["sample_top/py.typed"] = ""
    if metadata:
        text = METADATA.format(name=name, version=version, requires=requires)
        members["sample_top-0.1.0.dist-info/METADATA"] = text
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return path


def test_sound_wheel_has_no_fault(tmp_path: Path, package: packages.Package) -> None:
    """Third parties may be required without an upper bound."""
    assert list(wheels.faults(wheel(tmp_path), package, OWN)) == []
    assert list(wheels.faults(wheel(tmp_path, requires="requests>=2"), package, OWN)) == []
    assert list(wheels.faults(wheel(tmp_path, requires='sample-base<0.2,>=0.1 ; extra == "x"'), package, OWN)) == []


@pytest.mark.parametrize(
    ("requires", "message"),
    [
        ("sample-base @ file:///home/somebody/packages/base", "file:///home/somebody/packages/base"),
        ("requests @ file:///tmp/requests.whl", "a folder of one machine"),
        ("sample-base>=0.1", "'sample-base>=0.1' without both bounds"),
        ("Sample_Base<0.2", "without both bounds"),
        ("sample-base", "without both bounds"),
        ("sample-base==0.1.0", "without both bounds"),
    ],
)
def test_requirement_faults(tmp_path: Path, package: packages.Package, requires: str, message: str) -> None:
    """A wheel that works only on one machine, or only until another package's next release."""
    [fault] = wheels.faults(wheel(tmp_path, requires=requires), package, OWN)
    assert message in fault


def test_other_faults(tmp_path: Path, package: packages.Package) -> None:
    """Each planted fault is found, and only that."""

    def fault(path: Path) -> str:
        [found] = wheels.faults(path, package, OWN)
        return found

    assert "no sample_top/py.typed" in fault(wheel(tmp_path, typed=False))
    assert "its version is 0.2.0, pyproject.toml says 0.1.0" in fault(wheel(tmp_path, version="0.2.0"))
    assert "it is named other, pyproject.toml says sample-top" in fault(wheel(tmp_path, name="other"))
    assert "would install tests too" in fault(wheel(tmp_path, "tests/test_top.py"))
    assert "no METADATA" in fault(wheel(tmp_path, metadata=False))


def test_build(tmp_path: Path) -> None:
    """Wheel and sdist are built in this environment, and the wheel is checked."""
    found = [packages.read(add_package(tmp_path, "top", "sample-base>=0.1,<0.2"))]
    [built] = wheels.build(found, tmp_path / "dist", OWN)
    assert sorted(path.name for path in built.parent.iterdir()) == [
        "sample_top-0.1.0-py3-none-any.whl",
        "sample_top-0.1.0.tar.gz",
    ]


def test_build_refuses_a_faulty_wheel(tmp_path: Path) -> None:
    """The fault is told with the wheel's name."""
    found = [packages.read(add_package(tmp_path, "top", "sample-base>=0.1"))]
    with pytest.raises(wheels.WheelError, match=r"sample_top-0\.1\.0-py3-none-any\.whl: it requires 'sample-base"):
        wheels.build(found, tmp_path / "dist", OWN)


def test_build_refuses_a_faulty_extra(tmp_path: Path) -> None:
    """The range of an extra needs both bounds too."""
    found = [packages.read(add_package(tmp_path, "top", fast=["sample-base>=0.1"]))]
    with pytest.raises(wheels.WheelError, match=r"it requires 'sample-base.*extra == .fast.*without both bounds"):
        wheels.build(found, tmp_path / "dist", OWN)


def test_build_that_fails_shows_why(tmp_path: Path) -> None:
    """The builder's own words reach the reader."""
    folder = add_package(tmp_path, "top")
    found = [packages.read(folder)]
    (folder / "pyproject.toml").write_text((folder / "pyproject.toml").read_text().replace('"src"', '"elsewhere"'))
    with pytest.raises(wheels.WheelError, match=r"(?s)top does not build:.*elsewhere"):
        wheels.build(found, tmp_path / "dist", OWN)
