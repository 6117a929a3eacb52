"""The contract of a service that is called."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pymacaron import apipool
from pymacaron.spec import find_contracts, load_contract

from ..contracts import Contract
from ..examples import know_document
from ..exceptions import NoContractError

if TYPE_CHECKING:
    from collections.abc import Iterable

_FOLDERS = ("apis", "clients", ".")


def find_contract(name: str, source: str | Path | dict[str, Any] | None = None) -> Contract:
    """Return the contract of an API.

    Args:
        name: of the API.
        source: its file, a folder that holds it, or the document; looked for where it is None.

    Raises:
        NoContractError: there is none of that name.
        pymacaron.exceptions.ContractError: it cannot be read.
    """
    if isinstance(source, dict):
        contract = Contract(load_contract(source, name))
        know_document(contract.types, source)
        return contract
    if source is None and name in apipool.get_api_names():
        loaded = apipool.get(name)
        return Contract(loaded.api, loaded.types)
    folders = [Path(source)] if source is not None else [Path.cwd() / folder for folder in _FOLDERS]
    if source is not None and Path(source).is_file():
        return Contract(load_contract(Path(source), name))
    return Contract(load_contract(_file(name, folders), name))


def _file(name: str, folders: Iterable[Path]) -> Path:
    seen: list[str] = []
    for folder in folders:
        found = _in(folder)
        if name in found:
            return found[name]
        seen += found
    known = ", ".join(sorted(set(seen))) or "none"
    looked = ", ".join(str(folder) for folder in folders)
    raise NoContractError(
        f"there is no contract {name!r} in {looked}; found are: {known}; save it as apis/{name}.yaml, or give its path"
    )


def _in(folder: Path) -> dict[str, Path]:
    """Return the contracts in a folder; those below the working folder itself are not looked for."""
    if not folder.is_dir():
        return {}
    if folder == Path.cwd():
        return {path.stem: path for path in sorted(folder.iterdir()) if path.suffix in (".yaml", ".yml", ".json")}
    return find_contracts(folder)
