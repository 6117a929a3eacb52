"""The benchmark: PyMacaron and its peers side by side, in one run. Start it with ``nox -s bench``."""
