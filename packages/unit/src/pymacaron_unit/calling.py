"""Arguments of an operation to a request, without judging them: tests send wrong ones on purpose. Needs pymacaron."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import requests

from pymacaron.client.client import method_name
from pymacaron.codec.codec import Invalid
from pymacaron.codec.text import TextCodec, is_json, to_text
from pymacaron.exceptions import PyMacaronException
from pymacaron.forms import FORM_TYPES

from .channel import plain

if TYPE_CHECKING:
    from pymacaron.contract import Operation, Parameter

    from .contracts import Contract, Contracts


def find_operation(contracts: Contracts, name: str) -> tuple[Contract, Operation]:
    """Return the operation that a name stands for: its ``operationId``, else the name of its client's method.

    Raises:
        NoContractError: no contract has it.
    """
    for contract in contracts:
        if name not in contract.operations:
            for operation in contract.operations.values():
                if method_name(operation) == name:
                    return contract, operation
    return contracts.operation(name)


def make_request(contract: Contract, operation: Operation, body: Any, arguments: dict[str, Any]) -> requests.Request:
    """Make the request of an operation; values that its schemas refuse are sent as they are.

    Raises:
        TypeError: an argument is unknown, or a part of the path is missing.
    """
    made = requests.Request(operation.method.upper(), headers={}, cookies={}, files=[], data=[])
    path, query = contract.path(operation), []
    for parameter, value in _given(operation, arguments):
        pairs = _texts(contract, parameter, value)
        if parameter.location == "path":
            path = path.replace(f"{{{parameter.name}}}", pairs[0][1] if pairs else "")
        elif parameter.location == "query":
            query += [f"{name}={text}" for name, text in pairs]
        elif parameter.location == "header":
            made.headers.update(pairs)
        elif parameter.location == "cookie":
            made.cookies.update(pairs)
        else:
            _put_form(made, parameter.name, value, pairs)
    made.url = f"{path}?{'&'.join(query)}" if query else path
    _put_body(made, operation, body)
    return made


def _given(operation: Operation, arguments: dict[str, Any]) -> list[tuple[Parameter, Any]]:
    known = {parameter.name: parameter for parameter in operation.parameters}
    known.update((parameter.argument, parameter) for parameter in operation.parameters)
    made = []
    for name, value in arguments.items():
        if name not in known:
            close = get_close_matches(name, known, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"it has: {', '.join(known) or 'none'}"
            raise TypeError(f"{operation.name} has no parameter {name!r}; {hint}")
        if value is not None:
            made.append((known[name], value))
    there = {parameter.name for parameter, _ in made}
    for parameter in operation.parameters:
        if parameter.location == "path" and parameter.name not in there:
            raise TypeError(f"{operation.name} needs {parameter.argument}=…, a part of its path")
    return made


def _texts(contract: Contract, parameter: Parameter, value: Any) -> list[tuple[str, str]]:
    if hasattr(value, "read"):
        return []
    encoded = parameter.location in ("path", "query")
    try:
        return TextCodec(contract.types, parameter, encoded=encoded).write(value)
    except (Invalid, PyMacaronException, TypeError, ValueError):
        items = value if isinstance(value, (list, tuple)) and parameter.location in ("query", "form") else [value]
        texts = [to_text(plain(item)) for item in items]
        return [(parameter.name, quote(text, safe="") if encoded else text) for text in texts]


def _put_form(made: requests.Request, name: str, value: Any, pairs: list[tuple[str, str]]) -> None:
    if hasattr(value, "read"):
        made.files.append((name, value))
    else:
        made.data += pairs


def _put_body(made: requests.Request, operation: Operation, body: Any) -> None:
    if made.files:
        made.files = [*((name, (None, text)) for name, text in made.data), *made.files]
        made.data = []
        return
    if body is None or made.data:
        return
    declared = operation.body.content[0].name if operation.body is not None and operation.body.content else ""
    if declared in FORM_TYPES and isinstance(body, dict):
        files = {name: value for name, value in body.items() if hasattr(value, "read")}
        fields = [(name, to_text(plain(value))) for name, value in body.items() if name not in files]
        if files or declared != FORM_TYPES[0]:
            made.files = [*((name, (None, text)) for name, text in fields), *files.items()]
        else:
            made.data = fields
    elif isinstance(body, bytes) or hasattr(body, "read") or (isinstance(body, str) and not is_json(declared)):
        made.data = body
        made.headers.setdefault("Content-Type", declared or "application/octet-stream")
    else:
        made.json = plain(body)
        if is_json(declared) and declared != "application/json":
            made.headers["Content-Type"] = declared
