"""What ``$EDITOR FILE`` is for the commands of a page: it writes the page's block that begins with ``# FILE``.

python editor.py PAGE FILE
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import pages


def main(page: Path, file: Path) -> int:
    """Write one file; return 1 where the page has no block for it."""
    kind = {".py": "python", ".yaml": "yaml"}[file.suffix]
    for block in pages.blocks(page, kind):
        first, _, rest = block.partition("\n")
        if first == f"# {file}":
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(rest.lstrip("\n"), encoding="utf-8")
            return 0
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
