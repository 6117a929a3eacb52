"""Files that hold contracts: found, told from others, and compared by their content, all without parsing them."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from pymacaron.exceptions import ContractError

if TYPE_CHECKING:
    from collections.abc import Iterable

SUFFIXES = (".yaml", ".yml", ".json")

_BOM = b"\xef\xbb\xbf"
_VERSION = re.compile(r"""^[\s{]*["']?(?:swagger|openapi)["']?\s*:""", re.MULTILINE)


def find_contracts(folder: str | Path, ignore: Iterable[str] = ()) -> dict[str, Path]:
    """Find every contract in a folder and those below it, by API name: the file's name without its ending.

    Args:
        folder: where to look.
        ignore: API names to leave out. Files that hold no OpenAPI document at their root, such as the targets of
            a ``$ref``, are left out as well.

    Raises:
        ContractError: there is no such folder, or two files give one name.
    """
    root = Path(folder)
    if not root.is_dir():
        raise ContractError(f"{root}: no such folder; put the contracts there or give load_apis(path) another")
    found: dict[str, Path] = {}
    for path in sorted(p for p in root.rglob("*") if p.suffix in SUFFIXES and p.is_file()):
        if path.stem in set(ignore) or not _is_contract(path):
            continue
        if path.stem in found:
            raise ContractError(f"{path}: {found[path.stem]} is an API named {path.stem!r} too; rename one file")
        found[path.stem] = path
    return found


def _is_contract(path: Path) -> bool:
    """Tell a contract from a file that only serves as the target of references, without parsing it."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True
    return _VERSION.search(text) is not None or not text.strip()


def digest(data: bytes) -> str:
    """Return the digest of a file's content; a byte order mark does not count."""
    return sha256(data.removeprefix(_BOM)).hexdigest()


def digest_of(file: str | Path) -> str | None:
    """Return the digest of a file; None where it cannot be read."""
    try:
        return digest(Path(file).read_bytes())
    except OSError:
        return None
