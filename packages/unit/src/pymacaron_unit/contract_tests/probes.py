"""Fixed questions to each operation: does it ask for a token, and does its path refuse other methods?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .call import Call
from .credentials import GARBAGE, needed, put
from .failures import Fault, Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymacaron.contract import Operation, SecurityScheme

    from ..contracts import Contract
    from ..response import Response
    from .inspecting import Inspector

_METHODS = ("PATCH", "DELETE", "PUT", "POST", "GET")
# Refusals of a request, whoever sent it.
_EARLIER = frozenset({400, 404, 405, 406, 413, 415, 422})


def probe_token(inspector: Inspector, contract: Contract, operation: Operation, call: Call) -> None:
    """Call an operation without a credential, with garbage for one, and with a token that lacks its scopes."""
    wanted = needed(contract, operation)
    if wanted is None or any(scheme is not None and scheme.kind == "mutualTLS" for scheme in wanted.schemes):
        return
    bare = replace(call, token=False)
    _ask(inspector, contract, operation, bare, "no_token_accepted", 401)
    _ask(inspector, contract, operation, _signed(bare, wanted.schemes, GARBAGE), "garbage_token_accepted", 401)
    if wanted.scopes and inspector.sender.credentials.can(contract, operation) is None:
        lacking = inspector.sender.credentials.token()
        _ask(inspector, contract, operation, _signed(bare, wanted.schemes, lacking), "scopes_ignored", 403)


def _signed(call: Call, schemes: tuple[SecurityScheme | None, ...], value: str) -> Call:
    for scheme in schemes:
        call = put(call, scheme, value)
    return call


def _ask(inspector: Inspector, contract: Contract, operation: Operation, call: Call, check: str, expected: int) -> None:
    def faults(_: Call, response: Response) -> list[Fault]:
        if response.status >= 500:
            return [Fault("server_error", check.replace("_", " "), f"the answer is {response.status}")]
        earlier = response.status in _EARLIER and "checks_before_token" not in inspector.enabled
        if response.status == expected or earlier:
            return []
        return [Fault(check, "", f"the answer is {response.status}, not {expected}")]

    inspector.tell((Step(contract, operation, call),), faults, reducible=False)


def probe_method(inspector: Inspector, contract: Contract, operation: Operation, call: Call) -> None:
    """Call the path of an operation with a method that it does not have (RFC 9110, section 15.5.6)."""
    has = {method for each in inspector.sender.contracts for method in each.methods(call.path)}
    method = next((each for each in _METHODS if each not in has), None)
    if method is not None:
        step = Step(contract, operation, Call(method, call.path, token=call.token))
        inspector.tell((step,), _method_faults(method, has), reducible=False)


def _method_faults(method: str, has: set[str]) -> Callable[[Call, Response], list[Fault]]:
    shown = ", ".join(sorted(has))

    def faults(_: Call, response: Response) -> list[Fault]:
        if response.status >= 500 and response.status != 501:
            return [Fault("server_error", "on another method", f"{method} is answered with {response.status}")]
        if response.status in (401, 403, 501):
            return []
        if response.status != 405:
            says = f"{method} is answered with {response.status}, not 405; the path has {shown}"
            return [Fault("method_accepted", "", says)]
        allowed = {each.strip().upper() for each in response.headers.get("Allow", "").split(",")} - {""}
        if has <= allowed and method not in allowed:
            return []
        says = f"405 to {method} says Allow: {', '.join(sorted(allowed)) or '(none)'}; the path has {shown}"
        return [Fault("allow_header", "", says)]

    return faults
