"""Conditional requests (RFC 9110, section 13) on operations with ``x-pym-etag: true``.

The entity tag of an object is its version in quotes. ``GET`` answers with it, and with 304 where the caller has that
version already. Whatever changes something must say by ``If-Match`` which version it is about, or by ``If-None-Match:
*`` that it is about none; :mod:`.preconditions` holds that against what the handler loads and writes.
"""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

from flask import has_request_context, request
from werkzeug.http import parse_etags
from werkzeug.wrappers import Response

from pymacaron.model import PymacaronBaseModel
from pymacaron.negotiation import acceptable, bare
from pymacaron.pool import apipool

from .binding import binding_of
from .exceptions import PreconditionFailed, PreconditionRequired, TableConfigError
from .preconditions import Precondition, Versions, current

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from werkzeug.datastructures import ETags

    from pymacaron.contract import MediaType, Operation
    from pymacaron.plugins import WrapOperationContext

    from .binding import Binding

KEY = "x-pym-etag"
_READS = ("GET", "HEAD")
_HEEDED = ("if-match", "if-none-match")
# What a 304 repeats of the headers that a 200 would have (RFC 9110, section 15.4.5).
_KEPT = frozenset({"cache-control", "content-location", "date", "etag", "expires", "vary"})


def wrap(context: WrapOperationContext) -> None:
    """Make requests for an operation conditional where its contract says so.

    Raises:
        TableConfigError: the objects of the operation have no version.
    """
    operation = context.operation
    if operation.extensions.get(KEY) is not True:
        return
    if operation.extensions.get("x-pym-async") is True:
        raise TableConfigError(
            f"it has {KEY} and x-pym-async; take one of them out: it is answered before anything is written"
        )
    context.handler = Conditional(context.api, operation).around(context.handler)


class Conditional:
    """An operation whose requests are conditional.

    Args:
        api: the name of its API.
        operation: the operation.

    Raises:
        TableConfigError: its objects have no version.
    """

    def __init__(self, api: str, operation: Operation) -> None:
        self.reads = operation.method in _READS
        self.method = operation.method
        found = _Models(api, operation)
        self.owners = found.owners
        self.property = found.property
        good = [response for response in operation.responses if response.status.startswith("2")]
        self.creates = operation.method == "POST" and any(response.status == "201" for response in good)
        self._offered = [media for response in good for media in response.content]
        headers = [parameter for parameter in operation.parameters if parameter.location == "header"]
        self._headers = {header.argument for header in headers if header.name.lower() in _HEEDED}

    def around(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        """Return a handler whose requests are conditional. It need not take the headers that are heeded here."""
        is_async = inspect.iscoroutinefunction(handler)
        if self._headers:
            handler = _without(handler, self._headers)
        if is_async:

            @wraps(handler)
            async def serve_async(*args: Any, **arguments: Any) -> Any:
                if not has_request_context():
                    return await handler(*args, **arguments)
                with self._precondition() as condition:
                    return self._answer(await handler(*args, **arguments), condition)

            return serve_async

        @wraps(handler)
        def serve(*args: Any, **arguments: Any) -> Any:
            if not has_request_context():
                return handler(*args, **arguments)
            with self._precondition() as condition:
                return self._answer(handler(*args, **arguments), condition)

        return serve

    @contextmanager
    def _precondition(self) -> Iterator[Precondition]:
        """Make what the current request asks for hold of what is loaded and written in the block.

        Raises:
            PreconditionRequired: it has to ask for something, and does not.
        """
        match = parse_etags(request.headers.get("If-Match"))
        none_match = parse_etags(request.headers.get("If-None-Match"))
        if self.reads:
            condition = Precondition(self.owners, ())
        else:
            self._require(match, none_match)
            texts = [*(request.view_args or {}).values(), *request.args.values()]
            condition = Precondition(self.owners, texts, _versions(match), _versions(none_match, weak=True))
        token = current.set(condition)
        try:
            yield condition
        finally:
            current.reset(token)

    def _require(self, match: ETags, none_match: ETags) -> None:
        if self.creates or none_match.star_tag or _versions(match) is not None:
            return
        raise PreconditionRequired(
            f"{self.method} {request.path} needs If-Match with the ETag that GET answers with, so that nobody's change"
            " is lost; or If-None-Match: * where there is nothing yet"
        )

    def _answer(self, result: Any, condition: Precondition) -> Any:
        """Return a handler's result with its entity tag, or 304 in its place."""
        if isinstance(result, Response):
            self._check_met(condition, None)
            return result
        value, status, headers = (*result, None, None, None)[:3] if isinstance(result, tuple) else (result, None, None)
        if status is not None and not 200 <= status < 300:
            return result
        version = self._version(value, condition)
        self._check_met(condition, version)
        # To a PUT without content no tag is sent: what is stored differs from what was sent, by its version at least
        # (RFC 9110, section 9.3.4).
        if version is None or (value is None and self.method in ("PUT", "DELETE")):
            return result
        given = {"ETag" if name.lower() == "etag" else name: text for name, text in (headers or {}).items()}
        headers = {"ETag": self._tag(version), **given}
        return self._not_modified(version, headers) or (value, status, headers)

    def _version(self, value: Any, condition: Precondition) -> int | None:
        """Return the version that a result shows; of a response without content, that of the last object."""
        if value is None:
            value = condition.last
        if isinstance(value, PymacaronBaseModel) and value._info.find(self.property) is None:
            return None
        found = value.get(self.property) if isinstance(value, dict) else None
        if isinstance(value, PymacaronBaseModel):
            found = value[self.property]
        return found if isinstance(found, int) else None

    def _tag(self, version: int) -> str:
        """Return the entity tag of a version: a strong one, so each media type has its own."""
        if len({bare(media.name) for media in self._offered}) < 2:
            return f'"{version}"'
        chosen = acceptable(self._offered, request.headers.get("Accept")) or self._offered[0]
        return f'"{version}-{bare(chosen.name)}"'

    def _not_modified(self, version: int, headers: dict[str, str]) -> Response | None:
        """Answer a read whose caller has the object already; None where it has to be sent.

        Raises:
            PreconditionFailed: the caller asks for another version.
        """
        if not self.reads:
            return None
        match = _versions(parse_etags(request.headers.get("If-Match")))
        if match is not None and not match.have(version):
            raise PreconditionFailed(f"it has version {version} now, which If-Match does not name")
        wanted = parse_etags(request.headers.get("If-None-Match"))
        if not wanted.contains_weak(headers["ETag"].removeprefix("W/").strip('"')):
            return None
        kept = {name: text for name, text in headers.items() if name.lower() in _KEPT}
        made = Response(status=304, headers=kept)
        del made.headers["Content-Type"]
        return made

    def _check_met(self, condition: Precondition, version: int | None) -> None:
        """Refuse an answer that says all went well where nothing was held against the request's headers."""
        if not condition.asks or condition.is_met:
            return
        if version is not None:
            condition.hold("the object that is answered with", version)
            return
        raise RuntimeError(
            f"the handler of {self.method} {request.path} loaded and wrote no object of its table, so If-Match was held"
            f" against nothing; load the object by load_from_db, or take {KEY} out of the contract"
        )


class _Models:
    """The models of an operation: which of them have versions.

    Attributes:
        owners: their persistent classes; None where the contract does not say.
        property: the one with the version, in the operation's answer.
    """

    def __init__(self, api: str, operation: Operation) -> None:
        loaded = apipool.get(api)
        self._types = loaded.types
        found = self._of(operation)
        if not found and operation.method != "GET":
            siblings = [other for other in loaded.api.operations if other.path == operation.path]
            found = [model for other in siblings for model in self._of(other)]
        versioned = [bound for model in found if (bound := _versioned(model)) is not None]
        if not versioned:
            raise TableConfigError(_lacking(operation, found))
        self.owners = {bound.owner for bound in versioned}
        self.property = str(versioned[0].definition.version)

    def _of(self, operation: Operation) -> list[type[PymacaronBaseModel]]:
        """Return the models of an operation's answers, then those of what it takes."""
        bodies = [response.content for response in operation.responses if response.status.startswith("2")]
        if operation.body is not None and operation.method not in _READS:
            bodies.append(operation.body.content)
        return [model for content in bodies for media in content if (model := self._model(media)) is not None]

    def _model(self, media: MediaType) -> type[PymacaronBaseModel] | None:
        return self._types.model_of(media.schema, "any")


def _without(handler: Callable[..., Any], names: Collection[str]) -> Callable[..., Any]:
    """Let a handler be called with arguments that it does not take."""
    signature = inspect.signature(handler)
    taken = signature.parameters
    spare = [name for name in names if name not in taken]
    if not spare or any(each.kind is each.VAR_KEYWORD for each in taken.values()):
        return handler

    @wraps(handler)
    def serve(*args: Any, **arguments: Any) -> Any:
        return handler(*args, **{name: value for name, value in arguments.items() if name not in spare})

    more = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in spare]
    serve.__signature__ = signature.replace(parameters=[*taken.values(), *more])  # type: ignore[attr-defined]  # as PEP 362 has it
    return serve


def _versioned(model: type[PymacaronBaseModel]) -> Binding | None:
    if not getattr(model, "_pym_persistent", False):
        return None
    bound = binding_of(model)
    return bound if bound.definition.version is not None else None


def _lacking(operation: Operation, found: list[type[PymacaronBaseModel]]) -> str:
    persistent = [model for model in found if getattr(model, "_pym_persistent", False)]
    names = ", ".join(sorted({model.get_model_name() for model in persistent or found}))
    if persistent:
        return (
            f"it has {KEY}, and the table of {names} has no version; name an integer property by version in x-pym-table"
            " or in the class of x-persist"
        )
    what = f"{names} is not stored" if names else "it answers with no object of a named schema"
    return (
        f"it has {KEY}, and {what}; let it answer with an object whose schema has x-pym-table or x-persist with a"
        f" version, or take {KEY} out"
    )


def _versions(tags: ETags, weak: bool = False) -> Versions | None:
    """Return the versions that a header names; None where there is none. Weak tags match no ``If-Match``."""
    if not tags.star_tag and not tags.as_set(include_weak=True):
        return None
    return Versions(tags.star_tag, frozenset(map(_number, tags.as_set(include_weak=weak))) - {-1})


def _number(tag: str) -> int:
    """Return the version of a tag; -1 where it is none of ours."""
    text = tag.partition("-")[0]
    return int(text) if text.isascii() and text.isdigit() and str(int(text[:40])) == text else -1
