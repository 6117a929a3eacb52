"""Arguments of a client's call to an HTTP request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

from pymacaron.codec.codec import Invalid
from pymacaron.codec.text import TextCodec, is_json, path_text, to_text
from pymacaron.exceptions import InternalValidationError
from pymacaron.forms import FORM_TYPES
from pymacaron.messages import faults_in

if TYPE_CHECKING:
    from pymacaron.codec.types import Types
    from pymacaron.contract import MediaType, Operation, Parameter


class RequestWriter:
    """Writes the requests of one operation, every argument checked before anything is sent."""

    def __init__(self, types: Types, operation: Operation) -> None:
        self.types = types
        self.operation = operation
        self.parameters: dict[str, tuple[Parameter, TextCodec]] = {}
        for parameter in operation.parameters:
            entry = (parameter, TextCodec(types, parameter))
            self.parameters[parameter.argument] = entry
            self.parameters.setdefault(parameter.name, entry)

    def write(self, base_url: str, body: tuple[Any, ...], arguments: dict[str, Any]) -> requests.Request:
        """Make a request.

        Raises:
            InternalValidationError: an argument is unknown, missing, or breaks the contract.
        """
        faults: list[dict[str, str]] = []
        given = self._given(arguments)
        path = self.operation.path
        made = requests.Request(self.operation.method, params=[], headers={}, cookies={})
        form: list[tuple[str, Any]] = []
        files: list[tuple[str, Any]] = []
        for parameter in self.operation.parameters:
            if parameter.name in given.get(parameter.location, {}):
                value = given[parameter.location][parameter.name]
                if parameter.location == "form" and hasattr(value, "read"):
                    files.append((parameter.name, value))
                    continue
                try:
                    pairs = self.parameters[parameter.argument][1].write(value)
                except Invalid as error:
                    faults += faults_in(parameter.location, parameter.name, error)
                    continue
                if parameter.location == "path":
                    path = path.replace(f"{{{parameter.name}}}", path_text(pairs[0][1]))
                else:
                    self._put(made, parameter, pairs, form)
            elif parameter.required:
                missing = Invalid([("", "required", f"the argument {parameter.argument} is missing")])
                faults += faults_in(parameter.location, parameter.name, missing)
        made.url = base_url + path
        made.data, made.files = form or None, files or None
        faults += self._body(made, body)
        if faults:
            raise InternalValidationError(errors=faults)
        return made

    def _given(self, arguments: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Sort arguments by the place of their parameters; one that is None is left out."""
        made: dict[str, dict[str, Any]] = {}
        for name, value in arguments.items():
            if name not in self.parameters:
                known = ", ".join(p.argument for p in self.operation.parameters) or "none"
                raise InternalValidationError(f"{self.operation.name} has no parameter {name!r}; it has {known}")
            parameter = self.parameters[name][0]
            if value is not None:
                made.setdefault(parameter.location, {})[parameter.name] = value
        return made

    @staticmethod
    def _put(
        made: requests.Request, parameter: Parameter, pairs: list[tuple[str, str]], form: list[tuple[str, Any]]
    ) -> None:
        if parameter.location == "query":
            made.params += pairs
        elif parameter.location == "header":
            made.headers[parameter.name] = pairs[0][1]
        elif parameter.location == "cookie":
            made.cookies[parameter.name] = pairs[0][1]
        else:
            form += pairs

    def _body(self, made: requests.Request, body: tuple[Any, ...]) -> list[dict[str, str]]:
        declared = self.operation.body
        takes = declared is not None and declared.content and not made.data and not made.files
        if len(body) > (1 if takes else 0):
            raise InternalValidationError(f"{self.operation.name} takes {'one body' if takes else 'no body'}")
        if not takes or declared is None:
            return []
        if not body or body[0] is None:
            missing = Invalid([("", "required", "the body is missing; give it as the first argument")])
            return faults_in("body", "", missing) if declared.required else []
        try:
            self._write_body(made, declared.content[0], body[0])
        except Invalid as error:
            return faults_in("body", "", error)
        return []

    def _write_body(self, made: requests.Request, media: MediaType, value: Any) -> None:
        codec = self.types.codec(media.schema, "request")
        if is_json(media.name):
            made.data = codec.encode(value)
            made.headers["Content-Type"] = media.name
        elif media.name in FORM_TYPES:
            plain = codec.dump(value)
            made.data = [(k, to_text(item)) for k, v in plain.items() for item in (v if isinstance(v, list) else [v])]
            if media.name == FORM_TYPES[1]:
                made.files = [(k, (None, text)) for k, text in made.data]
                made.data = None
        else:
            made.data = value.encode() if isinstance(value, str) else value
            made.headers["Content-Type"] = media.name
