"""The plugin: its keys, and its commands under both of their names."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pymacaron.config import KEYS
from pymacaron.plugins import CommandsContext, ConfigKeysContext, load_plugins
from pymacaron_async.cli import pymasync
from pymacaron_async.plugin import AsyncPlugin
from pymacaron_async.settings import KEYS as OURS
from workers import pym, write_service

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_it_is_found() -> None:
    """Installing the distribution is all it takes."""
    (found,) = [loaded for loaded in load_plugins().loaded if loaded.name == "async"]
    assert found.distribution == "pymacaron-async"
    assert found.hooks() == ["config_keys", "wrap_operation", "app_created", "commands", "processes"]


def test_keys_and_commands() -> None:
    """Each key has a default and a meaning; the broker's command is not shown."""
    keys = ConfigKeysContext(dict(KEYS))
    AsyncPlugin().config_keys(keys)
    assert {name: keys.keys[name] for name in OURS} == OURS
    commands = CommandsContext({})
    AsyncPlugin().commands(commands)
    assert {name: command.hidden for name, command in commands.commands.items()} == {
        "worker": False,
        "tasks": False,
        "broker": True,
    }


def test_a_worker_needs_a_broker(tmp_path: Path) -> None:
    """Without one it ends at once, with one line that says what to do."""
    found = pym(write_service(tmp_path, None), "worker")
    assert found.returncode == 2
    assert found.stderr.strip().splitlines()[-1].startswith("pym: there is no broker to take tasks from; set celery_br")


def test_the_older_name(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """``pymasync`` takes the options of ``pym worker``."""
    monkeypatch.setattr(sys, "argv", ["pymasync", "--help"])
    assert pymasync() == 0
    assert "--max-memory-per-child" in capsys.readouterr().out
