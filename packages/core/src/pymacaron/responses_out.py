"""What handlers return to responses, checked against the contract before a byte leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from .codec.codec import Invalid
from .codec.text import TextCodec, is_json
from .exceptions import BadResponseError, fault
from .messages import Outgoing, faults_in
from .negotiation import acceptable
from .requests_in import is_binary

if TYPE_CHECKING:
    from .codec.types import Types
    from .contract import MediaType, Operation, Response


class ResponseEncoder:
    """Turns what a handler returned into a response, after checking it against the contract."""

    def __init__(self, types: Types, operation: Operation) -> None:
        self.types = types
        self.operation = operation
        self.exact = {int(r.status): r for r in operation.responses if r.status.isdigit()}
        self.others = {r.status: r for r in operation.responses if not r.status.isdigit()}
        self.status = self._default_status()
        self.codecs = {
            id(media): types.codec(media.schema, "response") for r in operation.responses for media in r.content
        }
        self.json = {id(media) for r in operation.responses for media in r.content if is_json(media.name)}
        self.usual = {status: made for status, r in self.exact.items() if (made := self._usual(r)) is not None}
        self.headers = {id(r): [(h, TextCodec(types, h)) for h in r.headers] for r in operation.responses}

    def _default_status(self) -> int:
        good = [status for status in self.exact if 200 <= status < 300]
        return 200 if 200 in good or len(good) != 1 else good[0]

    def _usual(self, response: Response) -> MediaType | None:
        """Return the media type of a response that is JSON and nothing else, as nearly all are."""
        if len(response.content) != 1 or response.headers or id(response.content[0]) not in self.json:
            return None
        return response.content[0]

    def offered(self) -> list[MediaType]:
        """List the media types of all successful responses."""
        good = [r for s, r in self.exact.items() if 200 <= s < 300] or list(self.others.values())
        return [media for response in good for media in response.content]

    def encode(self, result: Any, accept: str | None) -> Outgoing:
        """Check a handler's result and write it.

        Args:
            result: a value, ``(value, status)`` or ``(value, status, headers)``; where the status is None, it is the
                operation's own.
            accept: the request's ``Accept``.

        Raises:
            BadResponseError: the result is not what the operation declares.
        """
        status, headers = None, None
        if isinstance(result, tuple):
            result, status, headers = self._unpack(result)
        if status is None:
            status = 204 if result is None and 204 in self.exact else self.status
        media = self.usual.get(status)
        if media is not None and not headers and not _is_stream(result):
            return Outgoing(status, self._json(media, result), media.name)
        response = self.exact.get(status) or self._ranged(status)
        made = self._body(response, status, result, accept)
        if headers or self.headers[id(response)]:
            made.headers = self._headers(response, dict(headers or {}))
            for name, value in made.headers:
                if name.lower() == "content-type":
                    made.content_type = value
            made.headers = [(n, v) for n, v in made.headers if n.lower() != "content-type"]
        return made

    def _unpack(self, result: tuple[Any, ...]) -> tuple[Any, int | None, Mapping[str, str] | None]:
        value, status, headers = (*result, None, None, None)[:3]
        if len(result) not in (2, 3) or isinstance(status, bool) or not isinstance(status, int | None):
            raise self._bad(f"it returned a tuple of {len(result)}; return (value, status) or (value, status, headers)")
        return value, None if status is None else int(status), headers

    def _ranged(self, status: int) -> Response:
        found = self.others.get(f"{status // 100}XX") or self.others.get("default")
        if found is None:
            declared = ", ".join(r.status for r in self.operation.responses) or "none"
            raise self._bad(f"the status {status} is not declared; declared are: {declared}", "status")
        return found

    def _body(self, response: Response, status: int, result: Any, accept: str | None) -> Outgoing:
        if not response.content:
            if result is not None:
                raise self._bad(f"the response {response.status} has no content, yet it returned {_kind(result)}")
            return Outgoing(status)
        media = response.content[0] if len(response.content) == 1 else acceptable(response.content, accept)
        media = media or response.content[0]
        if id(media) in self.json and not _is_stream(result):
            return Outgoing(status, self._json(media, result), media.name)
        return Outgoing(status, self._raw(media, result), _concrete(media.name))

    def _json(self, media: MediaType, result: Any) -> bytes:
        codec = self.codecs[id(media)]
        try:
            return codec.encode(result) if self.operation.validate_response else codec.encode_unchecked(result)
        except Invalid as error:
            raise BadResponseError(
                f"{self.operation.name} returned what its contract does not allow: {error}",
                errors=faults_in("response", "", error),
            ) from None

    def _raw(self, media: MediaType, result: Any) -> Any:
        """Return a body that is no JSON: text, bytes, a file, or an iterator of either."""
        if isinstance(result, str):
            codec = self.codecs[id(media)]
            if self.operation.validate_response and not is_binary(self.types, media):
                try:
                    codec.load(result)
                except Invalid as error:
                    raise BadResponseError(errors=faults_in("response", "", error)) from None
            return result.encode()
        if isinstance(result, (bytes, bytearray, memoryview)):
            return bytes(result)
        if hasattr(result, "read"):
            return _chunks(result)
        if _is_stream(result):
            return _encoded(result)
        raise self._bad(f"the response is {media.name}; return text, bytes, a file or a generator, not {_kind(result)}")

    def _headers(self, response: Response, given: dict[str, Any]) -> list[tuple[str, str]]:
        made, faults = [], []
        for header, codec in self.headers[id(response)]:
            name = next((n for n in given if n.lower() == header.name.lower()), None)
            if name is None:
                if header.required:
                    faults.append(fault("response", f"/headers/{header.name}", "required", "the header is missing"))
                continue
            value = given.pop(name)
            try:
                made.append((header.name, codec.write(_typed(codec, value))[0][1]))
            except Invalid as error:
                faults += faults_in("response", f"headers/{header.name}", error)
        if faults and self.operation.validate_response:
            raise BadResponseError(errors=faults)
        return [*made, *((name, str(value)) for name, value in given.items())]

    def _bad(self, message: str, keyword: str = "type") -> BadResponseError:
        return BadResponseError(f"{self.operation.name}: {message}", errors=[fault("response", "", keyword, message)])


def _typed(codec: TextCodec, value: Any) -> Any:
    """Read a header's text as the value it stands for; other values stay."""
    return codec.read({codec.parameter.name: [value]}) if isinstance(value, str) else value


def _kind(value: Any) -> str:
    return f"a value of type {type(value).__name__}"


def _is_stream(value: Any) -> bool:
    if isinstance(value, (Struct, dict, list, str, bytes)):
        return False  # a model may have a property named read
    return isinstance(value, Iterator) or hasattr(value, "read")


def _chunks(file: Any, size: int = 65536) -> Iterator[bytes]:
    try:
        while chunk := file.read(size):
            yield chunk.encode() if isinstance(chunk, str) else chunk
    finally:
        close = getattr(file, "close", None)
        if close is not None:
            close()


def _encoded(parts: Any) -> Iterator[bytes]:
    try:
        for part in parts:
            yield part.encode() if isinstance(part, str) else part
    finally:
        close = getattr(parts, "close", None)
        if close is not None:
            close()


def _concrete(media_type: str) -> str:
    """Return a media type that a response may be sent as; a range stands for octets or plain text."""
    if "*" not in media_type:
        return (
            f"{media_type}; charset=utf-8" if media_type.startswith("text/") and ";" not in media_type else media_type
        )
    return "text/plain; charset=utf-8" if media_type.startswith("text/") else "application/octet-stream"
