"""Wheels of small plugins, made by hand (PEP 427) and installed by pip or unpacked."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import zipfile
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def make_wheel(
    folder: Path, name: str, modules: Mapping[str, str], entries: Mapping[str, str], version: str = "1.0"
) -> Path:
    """Build the wheel of a distribution.

    Args:
        folder: where it goes.
        name: of the distribution.
        modules: code by module.
        entries: entry points of pymacaron.plugins, name to object.
        version: of the distribution.
    """
    info = f"{name}-{version}.dist-info"
    points = "\n".join(f"{key} = {value}" for key, value in entries.items())
    files = {f"{module}.py": textwrap.dedent(code) for module, code in modules.items()} | {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[pymacaron.plugins]\n{points}\n",
    }
    record = "".join(f"{path},{_digest(text)},{len(text.encode())}\n" for path, text in files.items())
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for inside, text in files.items():
            wheel.writestr(inside, text)
        wheel.writestr(f"{info}/RECORD", record + f"{info}/RECORD,,\n")
    return path


def _digest(text: str) -> str:
    return "sha256=" + urlsafe_b64encode(sha256(text.encode()).digest()).rstrip(b"=").decode()


def pip_install(folder: Path, *wheels: Path) -> Path:
    """Install wheels into a folder of their own with pip, which asks no index."""
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run(
        [*command, "--disable-pip-version-check", "--target", str(folder), *map(str, wheels)],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return folder


def unpack(folder: Path, wheel: Path) -> Path:
    """Install a wheel by unpacking it, which is what pip does with one that holds modules alone."""
    with zipfile.ZipFile(wheel) as content:
        content.extractall(folder)
    return folder
