"""One operation at work: authorize, decode, call, encode, on plain request and response values.

Nothing here knows Flask: an :class:`~pymacaron.messages.Incoming` gives the parts of a request, an
:class:`~pymacaron.messages.Outgoing` holds the response.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from .codec.text import MISSING
from .exceptions import BindError, NotAcceptableError
from .negotiation import acceptable
from .requests_in import RequestDecoder
from .responses_out import ResponseEncoder

if TYPE_CHECKING:
    from collections.abc import Callable

    from .codec.types import Types
    from .contract import Operation
    from .messages import Incoming, Settings


class HandlerCall:
    """How a handler is called: the body first, where there is one, then parameters by name."""

    def __init__(self, operation: Operation, handler: Callable[..., Any], takes_body: bool) -> None:
        self.handler = handler
        self.takes_body = takes_body
        self.absent = self._absent(operation, handler)

    def _absent(self, operation: Operation, handler: Callable[..., Any]) -> dict[str, Any]:
        """Return what optional parameters are when a request leaves them out: None, or the handler's own default."""
        try:
            signature = inspect.signature(handler)
        except (TypeError, ValueError):
            return {}
        named = signature.parameters
        takes_any = any(p.kind is p.VAR_KEYWORD for p in named.values())
        positional = [
            p for p in named.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)
        ]
        if self.takes_body and not positional:
            raise BindError(f"{_where(handler)} takes no argument for the body; add one as its first")
        wanted = [p.argument for p in operation.parameters]
        free = {p.name for p in named.values() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
        if self.takes_body:
            free.discard(positional[0].name)
        if self.takes_body and positional[0].name in wanted:
            first = positional[0].name
            raise BindError(f"{_where(handler)} gets the body as its first argument, not {first!r}; put one before it")
        for name in wanted:
            if name not in free and not takes_any:
                raise BindError(f"{_where(handler)} takes no argument {name!r}; add it, or **kwargs")
        for p in named.values():
            needed = p.default is p.empty and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
            if needed and p.name in free and p.name not in wanted:
                raise BindError(f"{_where(handler)} needs {p.name!r}, which the operation does not declare")
        return {name: None for name in wanted if name in free and named[name].default is inspect.Parameter.empty}

    def __call__(self, body: Any, arguments: dict[str, Any]) -> Any:
        """Call the handler."""
        for name in self.absent:
            if name not in arguments:
                arguments[name] = None
        if self.takes_body:
            return self.handler(None if body is MISSING else body, **arguments)
        return self.handler(**arguments)


def _where(handler: Callable[..., Any]) -> str:
    name = f"{getattr(handler, '__module__', '?')}.{getattr(handler, '__qualname__', handler)}"
    return f"it is bound to {name}, which"


class BoundOperation:
    """An operation and the function that serves it.

    Args:
        types: of the contract.
        operation: the operation.
        handler: the function, decorated as the contract says.
        authorize: checks who calls, given the incoming request; raises where nobody may.
        passes: tells which results are sent as they are, such as Flask's own responses.
        settings: what the configuration says of requests.
    """

    def __init__(
        self,
        types: Types,
        operation: Operation,
        handler: Callable[..., Any],
        authorize: Callable[[Incoming], None] | None,
        passes: Callable[[Any], bool],
        settings: Settings,
    ) -> None:
        self.operation = operation
        self.types = types
        self.authorize = authorize
        self.passes = passes
        self.settings = settings
        body = operation.body
        takes_body = (
            body is not None and bool(body.content) and not any(p.location == "form" for p in operation.parameters)
        )
        self.call = HandlerCall(operation, handler, takes_body)
        self._decoder: RequestDecoder | None = None
        self._encoder: ResponseEncoder | None = None

    def compile(self) -> None:
        """Build decoder and encoder now instead of with the first request."""
        if self._encoder is None:
            self._decoder = RequestDecoder(self.types, self.operation, self.settings)
            self._encoder = ResponseEncoder(self.types, self.operation)

    def run(self, incoming: Incoming) -> Any:
        """Serve one request: return an :class:`Outgoing`, or what ``passes`` recognizes.

        Raises:
            PyMacaronException: the request or the result breaks the contract, or nobody may call.
        """
        if self._encoder is None:
            self.compile()
        decoder, encoder = self._decoder, self._encoder
        assert decoder is not None
        assert encoder is not None
        if self.authorize is not None:
            self.authorize(incoming)
        accept = incoming.header("Accept")
        if accept is not None and accept != "*/*":
            self._check_accept(encoder, accept)
        body, arguments = decoder.decode(incoming)
        result = self.call(body, arguments)
        return result if self.passes(result) else encoder.encode(result, accept)

    @staticmethod
    def _check_accept(encoder: ResponseEncoder, accept: str) -> None:
        offered = encoder.offered()
        if offered and acceptable(offered, accept) is None:
            raise NotAcceptableError(f"none of {', '.join(m.name for m in offered)} is in Accept: {accept[:100]}")
