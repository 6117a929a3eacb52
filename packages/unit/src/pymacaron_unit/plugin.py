"""What this package adds to ``pym``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymacaron.plugins import Plugin

if TYPE_CHECKING:
    from pymacaron.plugins import CommandsContext


class UnitPlugin(Plugin):
    """Adds ``pym test``, ``pym load`` and ``pym coverage``."""

    def commands(self, context: CommandsContext) -> None:
        """Add the commands."""
        from .cli import load, test
        from .coverage.command import coverage

        context.commands["test"] = test
        context.commands["load"] = load
        context.commands["coverage"] = coverage
