"""The example service's own suite, unchanged, on each kind of target."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

import container_image
from pymacaron_unit.targets import open_target
from targets_commands import pymtest

pytestmark = pytest.mark.once

EXAMPLE = Path(__file__).parents[3] / "examples" / "helloworld"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """Copy the example, without the key of anybody's development."""
    return shutil.copytree(EXAMPLE, tmp_path / "helloworld", ignore=shutil.ignore_patterns(".*", "__pycache__"))


def passed(folder: Path, *arguments: str, **env: str) -> int:
    """Run the suite; return how many of its tests passed, which must be all."""
    done = pymtest(folder, *arguments, **env)
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"=+ (\d+) passed in .*=+$", done.stdout.strip())
    assert found is not None, done.stdout
    assert int(found[1]) > 5
    return int(found[1])


def test_app_and_folder_and_url(example: Path) -> None:
    """The app in the tests' process, a server started for the run, and one that runs already pass the same tests."""
    count = passed(example, "--target", "app")
    assert passed(example) == count
    with open_target(str(example)) as target:
        assert passed(example, "--target", target.base_url) == count


def test_container(example: Path) -> None:
    """The service in a container passes the same tests, with its contracts and tokens from there."""
    container_image.require_system()
    image = container_image.example_image()
    env = container_image.engine_variables()
    assert passed(example, "--image", image, **env) == passed(example, "--target", "app")
