"""From a path or a dict to a contract: pick the reader by the document's own version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pymacaron.exceptions import ContractError

from .document import Documents, relative, where
from .openapi3 import OpenApi30Reader, OpenApi31Reader
from .swagger2 import Swagger2Reader

if TYPE_CHECKING:
    from pymacaron.contract import Api, Place

    from .document import Node
    from .operations import ContractReader


def read_contract(source: str | Path | dict[str, Any], name: str, documents: Documents | None = None) -> Api:
    """Read one contract.

    Args:
        source: a file's path, or the document itself.
        name: of the API in ``apipool``.
        documents: receives every file that was read, with its digest.

    Raises:
        ContractError: the document is missing, unreadable, no OpenAPI, or has a fault that keeps it from being served.
    """
    documents = documents if documents is not None else Documents()
    if isinstance(source, dict):
        root = documents.add(name, source)
    else:
        root = documents.load(str(Path(source).resolve()))
    try:
        return reader_for(documents, root, name).read()
    except RecursionError:
        raise ContractError(f"{relative(root.file)}: nested too deeply; use $ref for the inner parts") from None


def reader_for(documents: Documents, root: Node, name: str) -> ContractReader:
    """Pick the reader by ``swagger`` or ``openapi`` at the document's root."""
    value = root.value if isinstance(root.value, dict) else {}
    shown = relative(root.file)
    if "swagger" in value:
        if str(value["swagger"]) != "2.0":
            raise ContractError(f"{shown}: swagger: {value['swagger']!r} is not supported; write swagger: '2.0'")
        return Swagger2Reader(documents, root, name)
    version = str(value.get("openapi", ""))
    if version.startswith("3.0"):
        return OpenApi30Reader(documents, root, name)
    if version.startswith("3.1"):
        return OpenApi31Reader(documents, root, name)
    if version:
        raise ContractError(f"{shown}: openapi: {version!r} is not supported; write 3.0.x or 3.1.x")
    raise ContractError(f"{shown}: this is no OpenAPI document; it needs swagger: '2.0' or openapi: 3.x at its root")


def describe_place(place: Place) -> str:
    """Name a place as ``file:line:column`` for a message; costs a parse of the file."""
    documents = Documents()
    try:
        return where(documents, documents.at(place.file, place.pointer))
    except ContractError:
        return f"{relative(place.file)}#{place.pointer}"
