"""What is sent: requests that a contract makes, ready to be repeated."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from ..exceptions import NoContractError, UnitError
from .values import values_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import requests

    from pymacaron.contract import Operation, SecurityScheme

    from ..contracts import Contract, Contracts
    from ..targets import Target

#: Methods that change nothing (RFC 9110, section 9.2.1) and that services answer.
SAFE = frozenset({"GET", "HEAD"})
#: Different requests that are made of each operation.
VARIANTS = 20
_TOKEN = "authorization"


@dataclass(frozen=True)
class Call:
    """One request, as it goes over the wire."""

    operation: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None


def choose(contracts: Contracts, names: Sequence[str], allow_unsafe: bool) -> list[tuple[Contract, Operation]]:
    """Return the operations to call: those named, whatever they do, else all whose method is safe.

    Raises:
        NoContractError: there are none, or one of that name is not there.
    """
    if names:
        return [contracts.operation(name) for name in dict.fromkeys(names)]
    every = [(contract, operation) for contract in contracts for operation in contract.api.operations]
    chosen = [pair for pair in every if allow_unsafe or pair[1].method.upper() in SAFE]
    if not every:
        raise NoContractError("there is no contract, so nothing is known to call; give it with --contract FILE")
    if not chosen:
        known = ", ".join(operation.name for _, operation in every)
        raise NoContractError(
            f"no operation has a safe method (GET, HEAD); name those to call with --operation, or give --allow-unsafe "
            f"to call all: {known}"
        )
    return chosen


def make_calls(
    contract: Contract,
    operation: Operation,
    base_url: str,
    *,
    headers: Mapping[str, str] | None = None,
    values: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> list[Call]:
    """Make different calls of one operation; the first has the contract's own examples.

    Args:
        contract: of the operation.
        operation: what is called.
        base_url: where the service answers.
        headers: that every call has.
        values: what parameters are, by name, and ``body`` the body; a list is one value after another.
        seed: of all that is made by chance.

    Raises:
        UnitError: no request can be made.
    """
    from ..valid_requests import valid_request

    made = []
    random = Random(f"{seed} {operation.name}")
    for variant in range(VARIANTS):
        given = values_for(operation, values or {}, variant)
        number = 0 if variant == 0 else random.randrange(1, 2**32)
        try:
            request = valid_request(
                contract, operation, base_url, seed=number, values=given, optional=bool(variant % 2)
            )
        except ValueError as error:
            raise UnitError(str(error)) from error
        made.append(_call(operation.name, request, headers or {}))
    return list({(call.url, call.body, str(call.headers)): call for call in made}.values())


def calls_of(
    target: Target,
    operations: Sequence[tuple[Contract, Operation]],
    *,
    values: Mapping[str, Any],
    user: str | None,
    headers: Mapping[str, str],
    seed: int = 0,
) -> list[list[Call]]:
    """Make the calls of each operation; one that asks for a token gets one, unless a header brings it already.

    Raises:
        TargetError: a token is asked for, and the target can make none.
        UnitError: no request can be made.
    """
    made = []
    tokens: dict[tuple[str, ...], str] = {}
    for contract, operation in operations:
        own = dict(headers)
        scopes = scopes_asked(contract, operation, headers, optional=user is not None)
        if scopes is not None:
            if scopes not in tokens:
                tokens[scopes] = target.token(user, scopes)
            own["Authorization"] = f"Bearer {tokens[scopes]}"
        made.append(make_calls(contract, operation, target.base_url, headers=own, values=values, seed=seed))
    return made


def scopes_asked(
    contract: Contract, operation: Operation, headers: Mapping[str, str], *, optional: bool
) -> tuple[str, ...] | None:
    """Return the scopes of the token that an operation asks for; None where it needs none, or headers satisfy it.

    Args:
        contract: of the operation.
        operation: what is called.
        headers: that are sent anyway.
        optional: whether one is sent also where the operation can be called without.
    """
    given = {name.lower() for name in headers}
    choices = [choice for choice in operation.security if choice]
    if not choices or (() in operation.security and not optional):
        return None
    schemes = contract.api.security_schemes
    if any(all(_header_of(schemes[need.scheme]) in given for need in choice) for choice in choices):
        return None
    takes_token = (choice for choice in choices if any(_header_of(schemes[need.scheme]) == _TOKEN for need in choice))
    chosen = next(takes_token, None)
    return None if chosen is None else tuple(sorted({scope for need in chosen for scope in need.scopes}))


def _header_of(scheme: SecurityScheme) -> str:
    """Return the header that a credential travels in, in lower case; empty where it travels elsewhere."""
    if scheme.kind == "apiKey":
        return {"header": str(scheme.key).lower(), "cookie": "cookie"}.get(scheme.location or "", "")
    return _TOKEN if scheme.kind in ("http", "oauth2", "openIdConnect") else ""


def mixed(calls: Sequence[Sequence[Call]], seed: int = 0) -> Iterator[Call]:
    """Yield calls for ever: each operation equally often, its calls in turn, operations in an order by chance."""
    random = Random(seed)
    positions = [0] * len(calls)
    while True:
        for index in random.sample(range(len(calls)), len(calls)):
            yield calls[index][positions[index] % len(calls[index])]
            positions[index] += 1


def _call(operation: str, request: requests.Request, headers: Mapping[str, str]) -> Call:
    prepared = request.prepare()
    body: Any = prepared.body  # more than its annotation says: files and iterators too
    if body is not None and not isinstance(body, (str, bytes)):
        body = b"".join(body)
    kept = {name: value for name, value in prepared.headers.items() if name != "Content-Length"}
    return Call(
        operation,
        str(prepared.method),
        str(prepared.url),
        {"User-Agent": "pymacaron-unit load", **kept, **headers},
        body.encode() if isinstance(body, str) else body,
    )
