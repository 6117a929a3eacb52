"""HTTP responses to models, or to the errors that they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pymacaron.codec.codec import Invalid
from pymacaron.codec.text import is_json
from pymacaron.exceptions import CallFailedError, ClientError, error_from_body
from pymacaron.messages import faults_in
from pymacaron.negotiation import content_for

if TYPE_CHECKING:
    import requests

    from pymacaron.codec.types import Types
    from pymacaron.contract import Operation, Response


class ResponseReader:
    """Reads the responses of one operation."""

    def __init__(self, types: Types, api: str, operation: Operation) -> None:
        self.types = types
        self.api = api
        self.operation = operation
        self.responses = {response.status: response for response in operation.responses}
        self.streams = False

    def read(self, response: requests.Response) -> Any:
        """Return what a successful response carries.

        Raises:
            CallFailedError: the response breaks the contract.
            PyMacaronException: the error that the response stands for.
        """
        if response.status_code >= 400:
            raise self._error(response)
        declared = self._declared(response.status_code)
        if declared is None:
            raise CallFailedError(f"{self._shown(response)}, which its contract does not declare")
        if not declared.content or response.request.method == "HEAD":
            return None
        if not response.content and "Content-Type" not in response.headers:
            raise CallFailedError(f"{self._shown(response)} without a body, which its contract declares")
        media = content_for(declared.content, response.headers.get("Content-Type", ""))
        if media is None:
            kind = response.headers.get("Content-Type")
            raise CallFailedError(f"{self._shown(response)} of type {kind!r}, which its contract does not declare")
        if not is_json(media.name):
            return response.text if media.name.startswith("text/") else response.content
        try:
            return self.types.codec(media.schema, "response").decode(response.content)
        except Invalid as error:
            made = CallFailedError(f"{self._shown(response)}, which breaks its contract: {error}")
            made.errors = faults_in("response", "", error)
            raise made from None

    def _declared(self, status: int) -> Response | None:
        found = self.responses
        return found.get(str(status)) or found.get(f"{status // 100}XX") or found.get("default")

    def _shown(self, response: requests.Response) -> str:
        call = f"{self.api}.{self.operation.name} ({response.request.method} {response.url})"
        return f"{call} answered {response.status_code}"

    def _error(self, response: requests.Response) -> Exception:
        try:
            body = response.json()
        except ValueError:
            body = None
        made = error_from_body(response.status_code, body)
        if made is not None:
            return made
        return ClientError(f"{self._shown(response)}: {response.text[:200]}", status=response.status_code)
