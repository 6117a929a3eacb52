"""Compiled contracts kept on disk, so that a service starts without parsing yaml.

An entry is found by the contract's content, its path, its API name and our version, and holds the digest of every
file that was read; it counts only while all of them are unchanged. It is JSON that is checked when read, nothing that
could run. Entries lie in ``$PYM_CONTRACT_CACHE``, else in ``$XDG_CACHE_HOME/pymacaron``, else in
``~/.cache/pymacaron``; where that cannot be written to, or an entry is damaged, the contract is simply compiled.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from pymacaron.contract import Api  # noqa: TC001  # msgspec reads the annotations of Entry
from pymacaron.exceptions import ContractError

from .files import digest, digest_of

log = logging.getLogger("pymacaron.cache")

# Raised whenever the contract's form or its reading changes within one version of the distribution.
FORMAT = 3


class Entry(msgspec.Struct):
    """One cached contract with the digests of the files that it was made from."""

    files: dict[str, str]
    api: Api


_decoder = msgspec.json.Decoder(Entry)


def cache_folder() -> Path | None:
    """Return the folder of cached contracts; None where this user has no home."""
    given = os.environ.get("PYM_CONTRACT_CACHE")
    if given:
        return Path(given)
    home = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(home) if home else Path.home() / ".cache") / "pymacaron"
    except RuntimeError:
        return None


def load_contract(source: str | Path | dict[str, Any], name: str, cache: bool = True) -> Api:
    """Read a contract, from the cache where it is unchanged.

    Args:
        source: a file's path, or the document itself.
        name: of the API in ``apipool``.
        cache: whether to use the cache at all.

    Raises:
        ContractError: the document is missing, unreadable, no OpenAPI, or has a fault that keeps it from being served.
    """
    if cache:
        return _cached(source if isinstance(source, dict) else Path(source).resolve(), name)[0]
    from .reading import read_contract

    return read_contract(source, name)


def warm(source: str | Path, name: str) -> tuple[Api, Path]:
    """Compile a contract into the cache and return it with the entry's path (for ``pym compile``).

    Raises:
        ContractError: as :func:`load_contract`, or the cache cannot be written to.
    """
    file = Path(source).resolve()
    api, entry = _cached(file, name)
    if not entry.is_file():
        shown = entry if entry.name else "the cache"
        raise ContractError(f"{shown}: cannot be written; set PYM_CONTRACT_CACHE to a folder that can")
    return api, entry


def _cached(source: Path | dict[str, Any], name: str) -> tuple[Api, Path]:
    """Return a contract and the path of its entry, which is made where it is missing or out of date."""
    path = _path(source, name)
    found = _read(path) if path is not None else None
    if path is not None and found is not None and _is_current(found, source, name):
        return found.api, path
    # The readers, and yaml behind them, are what a warm start does without.
    from .document import Documents
    from .reading import read_contract

    documents = Documents()
    api = read_contract(source, name, documents)
    files = {file: known for file, known in documents.digests.items() if file != name or isinstance(source, Path)}
    if path is not None:
        _write(path, Entry(files, api))
    return api, path or Path()


def _is_current(entry: Entry, source: Path | dict[str, Any], name: str) -> bool:
    """Tell whether an entry is of this very contract, and every file that it was made from is unchanged."""
    own = entry.api.name == name and (isinstance(source, dict) or str(source) in entry.files)
    return own and all(digest_of(file) == known for file, known in entry.files.items())


def _path(source: Path | dict[str, Any], name: str) -> Path | None:
    """Return where a contract's entry lies; None where this process has no place for it."""
    folder = cache_folder()
    return folder / f"{_key(source, name)}.json" if folder is not None else None


def _key(source: Path | dict[str, Any], name: str) -> str:
    content = digest_of(source) if isinstance(source, Path) else digest(_canonical(source))
    parts = (version("pymacaron"), str(FORMAT), name, str(source) if isinstance(source, Path) else "", content or "")
    return digest("\0".join(parts).encode())


def _canonical(source: dict[str, Any]) -> bytes:
    """Write a given document for its digest; one that JSON cannot hold is refused when it is read."""
    return json.dumps(source, default=str).encode()


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
