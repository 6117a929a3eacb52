"""Hostile requests against a service that uses every feature. Start it with ``nox -s fuzz``."""
