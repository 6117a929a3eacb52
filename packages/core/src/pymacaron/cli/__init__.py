"""The ``pym`` command. Every error is one line, unless ``pym --debug`` asks for its trace."""

from __future__ import annotations

from .main import main

__all__ = ["main"]
