"""Check distributions from inside the environment they are installed in; only the standard library is at hand.

python -I tools/installed.py DISTRIBUTION IMPORT_NAME [DISTRIBUTION IMPORT_NAME ...]
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from importlib import metadata
from pathlib import Path


def check(distribution: str, import_name: str) -> list[str]:
    """Import a distribution's package and load its entry points; return what went wrong.

    A group such as `pymacaron.plugins` is read by the package that it is named after, which need not be installed:
    then nothing loads its entry points, and what they import may be missing.
    """
    wrong = []
    try:
        module = importlib.import_module(import_name)
    except Exception as error:  # noqa: BLE001 - whatever the package raises is the finding
        return [f"import {import_name}: {error!r}"]
    if not Path(str(module.__file__)).is_relative_to(sys.prefix):
        wrong.append(f"{import_name} was imported from {module.__file__}, not from the installed wheel")
    for entry in metadata.distribution(distribution).entry_points:
        owner, dot, _ = entry.group.partition(".")
        if dot and importlib.util.find_spec(owner) is None:
            continue
        try:
            entry.load()
        except Exception as error:  # noqa: BLE001 - likewise
            wrong.append(f"entry point {entry.name} of {entry.group} ({entry.value}): {error!r}")
    return wrong


def main(arguments: list[str]) -> int:
    """Check each pair of arguments and print every fault."""
    pairs = zip(arguments[::2], arguments[1::2], strict=True)
    wrong = [f"{pair[0]}: {fault}" for pair in pairs for fault in check(*pair)]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
