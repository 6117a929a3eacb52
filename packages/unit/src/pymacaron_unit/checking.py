"""Is an answer what the contract says? Its status, its headers, its content type and its body; needs pymacaron.

A status that the operation does not declare is no fault where the answer is an error that PyMacaron makes by itself,
such as ``INVALID_PARAMETER`` (400) or ``TOKEN_EXPIRED`` (401), in its own error format or as problem details (RFC
9457): no contract lists those. The service's own errors have to be declared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pymacaron.codec.codec import Invalid
from pymacaron.codec.text import TextCodec, is_json
from pymacaron.contract import Schema
from pymacaron.exceptions import RequestError
from pymacaron.negotiation import content_for
from pymacaron.spec import describe_place

from .exceptions import ContractBroken

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymacaron import contract as ir

    from .contracts import Match
    from .response import Response

_NO_BODY = frozenset({204, 205, 304})
_BUILT_IN = frozenset((error.status, error.code) for error in RequestError.__subclasses__())


def check(response: Response) -> None:
    """Check an answer against the operation that was called; one of no contract is not checked.

    Raises:
        ContractBroken: the message lists every fault, says where the contract says so, and shows the call.
    """
    if response.match is None:
        return
    found = list(faults(response))
    if found:
        operation = response.match.operation
        raise ContractBroken(
            f"the answer to {operation.name} is not what its contract says ({describe_place(operation.place)}):\n"
            + "\n".join(f"  - {fault}" for fault in found)
            + f"\n{response.transcript()}"
        )


def faults(response: Response) -> Iterator[str]:
    """Yield everything in which an answer is not what its operation declares."""
    match = response.match
    if match is None or response.request.method == "OPTIONS" != match.operation.method.upper():
        return
    declared = declared_response(match.operation, response.status)
    if declared is None:
        if not is_built_in_error(response):
            known = ", ".join(each.status for each in match.operation.responses) or "none"
            yield f"the status {response.status} is not declared; declared are: {known}"
        return
    yield from _header_faults(match, declared, response)
    yield from _body_faults(match, declared, response)


def declared_response(operation: ir.Operation, status: int) -> ir.Response | None:
    """Return what an operation declares for a status: exactly, as a range such as ``4XX``, or by default."""
    by_status = {each.status.upper(): each for each in operation.responses}
    return by_status.get(str(status)) or by_status.get(f"{status // 100}XX") or by_status.get("DEFAULT")


def is_built_in_error(response: Response) -> bool:
    """Tell whether an answer is an error that PyMacaron makes by itself for a faulty request."""
    if response.status < 400 or response.media_type not in ("application/json", "application/problem+json"):
        return False
    try:
        body = response.answer.json()
    except ValueError:
        return False
    if not isinstance(body, dict):
        return False
    return (response.status, body.get("error") or body.get("code")) in _BUILT_IN


def read_model(response: Response) -> Any:
    """Read an answer's body as its contract's model.

    Raises:
        ContractBroken: the call belongs to no operation, or the body is not what that declares.
    """
    match = response.match
    if match is None:
        raise ContractBroken(
            f"the call belongs to no operation of a contract, so it has no model\n{response.transcript()}"
        )
    declared = declared_response(match.operation, response.status)
    media = declared and content_for(declared.content, response.headers.get("Content-Type", ""))
    if not declared or not media:
        raise ContractBroken(f"{match.operation.name} declares no such answer\n{response.transcript()}")
    if not is_json(media.name):
        return response.text if media.name.startswith("text/") else response.content
    try:
        return match.contract.types.codec(media.schema, "response").decode(response.content)
    except Invalid as error:
        raise ContractBroken(
            f"the body of {match.operation.name} is invalid: {error}\n{response.transcript()}"
        ) from None


def _header_faults(match: Match, declared: ir.Response, response: Response) -> Iterator[str]:
    for header in declared.headers:
        value = response.headers.get(header.name)
        if value is None:
            if header.required:
                yield f"the header {header.name} is missing"
            continue
        try:
            TextCodec(match.contract.types, header).read({header.name: [value]})
        except Invalid as error:
            yield f"the header {header.name}: {error}"


def _body_faults(match: Match, declared: ir.Response, response: Response) -> Iterator[str]:
    if response.request.method == "HEAD" or response.status in _NO_BODY:
        if response.content:
            yield f"there is a body, which an answer to {response.request.method} with {response.status} cannot have"
        return
    if not declared.content:
        if response.content:
            yield f"there is a body of {len(response.content)} bytes; none is declared for {declared.status}"
        return
    media = content_for(declared.content, response.headers.get("Content-Type", ""))
    if media is None:
        names = ", ".join(each.name for each in declared.content)
        yield f"the content type is {response.headers.get('Content-Type')!r}; declared are: {names}"
        return
    if is_json(media.name):
        yield from _json_faults(match, media, response)


def _json_faults(match: Match, media: ir.MediaType, response: Response) -> Iterator[str]:
    types = match.contract.types
    try:
        types.codec(media.schema, "response").decode(response.content)
    except Invalid as error:
        for pointer, keyword, message in error.faults:
            yield f"body {pointer or '(whole)'}: {message} ({keyword})"
    else:
        for pointer in dict.fromkeys(_write_only(match, media.schema, response.json(), "")):
            yield f"body {pointer}: a writeOnly property must not be sent (writeOnly)"


def _write_only(match: Match, schema: Schema | bool, value: Any, pointer: str) -> Iterator[str]:
    """Yield where a value holds properties that are ``writeOnly``, as far as properties, items and branches lead."""
    types = match.contract.types
    shape = types.shape(schema)
    if not isinstance(shape, Schema) or not isinstance(value, (dict, list)):
        return
    for branch in (*shape.any_of, *shape.one_of):
        if types.codec(branch, "response").accepts(value):
            yield from _write_only(match, branch, value, pointer)
    if isinstance(value, list):
        if shape.items is not None:
            for index, item in enumerate(value):
                yield from _write_only(match, shape.items, item, f"{pointer}/{index}")
        return
    for name, inner in types.fields(shape).items():
        if name in value and _is_write_only(match, inner):
            yield f"{pointer}/{name}"
        elif name in value:
            yield from _write_only(match, inner, value[name], f"{pointer}/{name}")


def _is_write_only(match: Match, schema: Schema | bool) -> bool:
    shape = match.contract.types.shape(schema)
    return any(isinstance(part, Schema) and part.write_only for part in (schema, shape))
