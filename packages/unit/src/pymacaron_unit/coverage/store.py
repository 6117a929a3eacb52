"""Recordings on disk: one JSON file a process and run, united when they are read. Needs pymacaron."""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec
from msgspec.structs import replace

from pymacaron.contract import Api, Place
from pymacaron.exceptions import ContractError
from pymacaron.spec import load_contract

from ..contracts import Contract, Contracts
from ..exceptions import UnitError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Raised whenever the form of a file, or the names of what is counted, change.
FORMAT = 1

#: Where recordings lie, below the service's folder.
FOLDER = Path(".pym") / "coverage"


@dataclass(frozen=True)
class Exercised:
    """What was exercised of one contract.

    Args:
        digest: of the contract.
        hits: how many calls exercised each key.
        undeclared: how many answers had a status that is not declared, by operation and status.
        file: where the contract is read from; empty where it was a dict.
        prefix: what stands before each path.
        document: that dict, where it is known.
        api: else what was read from it.
    """

    digest: str
    hits: dict[str, int] = field(default_factory=dict)
    undeclared: dict[str, int] = field(default_factory=dict)
    file: str = ""
    prefix: str = ""
    document: Any = None
    api: Any = None


@dataclass(frozen=True)
class Recording:
    """What one process recorded; ``run`` is its own name, so that it counts once however often it is read."""

    run: str
    made: str
    contracts: dict[str, Exercised]
    strangers: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, contracts: Mapping[str, Exercised], strangers: Mapping[str, int]) -> Recording:
        """Make a recording of now."""
        return cls(uuid4().hex, datetime.now(UTC).isoformat(timespec="seconds"), dict(contracts), dict(strangers))


def exercised(contract: Contract, hits: Mapping[str, int], undeclared: Mapping[str, int]) -> Exercised:
    """Say what was exercised of a contract, and where to find the contract again."""
    api, file = contract.api, contract.file
    known = contract.document if file is None else None
    read = msgspec.to_builtins(api) if file is None and known is None else None
    return Exercised(digest(api), dict(hits), dict(undeclared), str(file or ""), contract.prefix, known, read)


def recorded_contracts(recordings: Iterable[Recording]) -> Contracts:
    """Return the contracts that recordings are of, as they are now; one that is gone is left out."""
    found: dict[str, Contract] = {}
    for recording in sorted(recordings, key=lambda each: each.made):
        for name, part in recording.contracts.items():
            contract = _contract(name, part)
            if contract is not None:
                found[name] = contract
    return Contracts(found.values())


def _contract(name: str, part: Exercised) -> Contract | None:
    try:
        source = part.file or part.document
        api = load_contract(source, name) if source else msgspec.convert(part.api, Api)
    except (ContractError, msgspec.ValidationError):
        return None
    return Contract(api, prefix=part.prefix, document=part.document)


def digest(api: Api) -> str:
    """Return the digest of what a contract says, wherever its files lie and whichever process reads it."""
    operations = tuple(replace(each, place=Place("", each.place.pointer)) for each in api.operations)
    plain = replace(api, file="", operations=operations, warnings=())
    return sha256(msgspec.json.encode(plain, order="deterministic")).hexdigest()


def write(recording: Recording, folder: str | Path) -> Path:
    """Write a recording as a new file in a folder, in one step, and return its path."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{recording.run}.json"
    handle, temporary = tempfile.mkstemp(dir=place, suffix=".new")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(_to_json(recording), file, indent=1)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def _to_json(recording: Recording) -> dict[str, Any]:
    return {"format": FORMAT, **msgspec.to_builtins(recording)}


def read(path: str | Path) -> Recording:
    """Read a recording.

    Raises:
        UnitError: the file cannot be read, is no recording, or one of another version.
    """
    try:
        found = json.loads(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise UnitError(f"{path}: this recording cannot be read: {error}; remove it and run the tests again") from None
    version = found.get("format") if isinstance(found, dict) else None
    if version != FORMAT:
        raise UnitError(f"{path}: its format is {version!r}, not {FORMAT}; remove it and run the tests again")
    del found["format"]
    try:
        return msgspec.convert(found, Recording)
    except msgspec.ValidationError as error:
        raise UnitError(f"{path}: this is no recording: {error}; remove it and run the tests again") from None


def find(places: str | Path | Iterable[str | Path]) -> list[Path]:
    """List the recordings in a folder, or the files that are given.

    Raises:
        UnitError: a file that is given is not there.
    """
    given = [places] if isinstance(places, (str, Path)) else list(places)
    made: list[Path] = []
    for place in map(Path, given):
        if not place.is_dir() and not place.is_file() and place.suffix == ".json":
            raise UnitError(f"{place}: there is no such recording; run the tests with --pym-cov first")
        made += sorted(place.glob("*.json")) if place.is_dir() else [place] if place.is_file() else []
    return made


def erase(folder: str | Path) -> int:
    """Remove the recordings in a folder; return how many there were."""
    found = [path for path in find(folder) if path.is_file()]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def united(recordings: Iterable[Recording], name: str, content: str) -> Exercised:
    """Add up what recordings say of one contract, as it is now; each run counts once."""
    hits: Counter[str] = Counter()
    undeclared: Counter[str] = Counter()
    for recording in {each.run: each for each in recordings}.values():
        found = recording.contracts.get(name)
        if found is not None and found.digest == content:
            hits.update(found.hits)
            undeclared.update(found.undeclared)
    return Exercised(content, dict(hits), dict(undeclared))
