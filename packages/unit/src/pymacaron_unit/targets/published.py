"""The contracts that a running service publishes: on PyMacaron's docs page, or as ``/openapi.json``."""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from ..contracts import Contracts
    from .target import Target

log = logging.getLogger("pymacaron.unit")

_DOCS = "/doc"
_PLACES = ("/openapi.json", "/swagger.json")
_URLS = re.compile(r"^\s*urls: (\[.*\]),\s*$", re.MULTILINE)
_WITHIN = 30.0


def published_contracts(target: Target) -> Contracts:
    """Return the contracts that a target publishes; none where it publishes none that can be read."""
    from pymacaron.exceptions import ContractError

    from ..contracts import Contracts, from_document

    found = []
    for name, path in _listed(target) or [("openapi", place) for place in _PLACES]:
        document = _read_json(target, path)
        if isinstance(document, dict) and {"openapi", "swagger"} & set(document):
            try:
                found.append(from_document(name, document))
            except ContractError as error:
                log.warning("%s%s is left out; give it as a file: %s", target.base_url, path, error)
    return Contracts(found)


def _listed(target: Target) -> list[tuple[str, str]]:
    """Return names and paths of the contracts on the docs page."""
    text = _read(target, f"{_DOCS}/start.js")
    match = _URLS.search(text or "")
    return [(each["name"], each["url"]) for each in json.loads(match[1])] if match else []


def _read_json(target: Target, path: str) -> Any:
    try:
        return json.loads(_read(target, path) or "null")
    except ValueError:
        return None


def _read(target: Target, path: str) -> str | None:
    try:
        answer = target.session().get(target.base_url + path, timeout=_WITHIN)
    except requests.RequestException:
        return None
    return answer.text if answer.status_code == 200 else None
