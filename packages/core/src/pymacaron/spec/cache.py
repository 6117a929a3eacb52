"""Compiled contracts kept on disk, so that a service starts without parsing yaml.

An entry is found by the contract's content, its path, its API name and our version, and holds the digest of every
file that was read; it counts only while all of them are unchanged. It is JSON that is checked when read, nothing that
could run. Entries lie in ``$PYM_CONTRACT_CACHE``, else in ``$XDG_CACHE_HOME/pymacaron``, else in
``~/.cache/pymacaron``; where that cannot be written to, or an entry is damaged, the contract is simply compiled.
"""

from __future__ import annotations

import logging
import os
import tempfile
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from pymacaron.contract import Api  # noqa: TC001  # msgspec reads the annotations of Entry
from pymacaron.exceptions import ContractError

from .document import Documents
from .reading import read_contract

log = logging.getLogger("pymacaron.cache")

# Raised whenever the contract's form or its reading changes within one version of the distribution.
FORMAT = 1


class Entry(msgspec.Struct):
    """One cached contract with the digests of the files that it was made from."""

    files: dict[str, str]
    api: Api


_decoder = msgspec.json.Decoder(Entry)


def cache_folder() -> Path:
    """Return the folder of cached contracts."""
    given = os.environ.get("PYM_CONTRACT_CACHE")
    if given:
        return Path(given)
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "pymacaron"


def load_contract(source: str | Path | dict[str, Any], name: str, cache: bool = True) -> Api:
    """Read a contract, from the cache where it is unchanged.

    Args:
        source: a file's path, or the document itself (never cached).
        name: of the API in ``apipool``.
        cache: whether to use the cache at all.

    Raises:
        ContractError: the document is missing, unreadable, no OpenAPI, or has a fault that keeps it from being served.
    """
    if isinstance(source, dict) or not cache:
        return read_contract(source, name)
    return _cached(Path(source).resolve(), name)[0]


def warm(source: str | Path, name: str) -> tuple[Api, Path]:
    """Compile a contract into the cache and return it with the entry's path (for ``pym compile``).

    Raises:
        ContractError: as :func:`load_contract`, or the cache cannot be written to.
    """
    file = Path(source).resolve()
    api, entry = _cached(file, name)
    if not entry.is_file():
        raise ContractError(f"{entry}: cannot be written; set PYM_CONTRACT_CACHE to a folder that can")
    return api, entry


def _cached(file: Path, name: str) -> tuple[Api, Path]:
    digest = _digest(file)
    if digest is None:
        return read_contract(file, name), Path()
    key = sha256("\0".join((version("pymacaron"), str(FORMAT), name, str(file), digest)).encode()).hexdigest()
    path = cache_folder() / f"{key}.json"
    found = _read(path)
    if found is not None and all(_digest(Path(f)) == d for f, d in found.files.items()):
        return found.api, path
    documents = Documents()
    api = read_contract(file, name, documents)
    _write(path, Entry({f: _digest(Path(f)) or "" for f in documents.data}, api))
    return api, path


def _digest(file: Path) -> str | None:
    try:
        return sha256(file.read_bytes()).hexdigest()
    except OSError:
        return None


def _read(path: Path) -> Entry | None:
    try:
        return _decoder.decode(path.read_bytes())
    except OSError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        log.info("the cached contract %s is damaged and made anew: %s", path, error)
        return None


def _write(path: Path, entry: Entry) -> None:
    """Write an entry in one step, so that a reader finds all of it or nothing; failing is no error."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".new")
    except OSError as error:
        log.info("contracts are not cached: %s", error)
        return
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(entry))
        Path(temporary).replace(path)
    except OSError as error:
        log.info("contracts are not cached: %s", error)
        Path(temporary).unlink(missing_ok=True)
