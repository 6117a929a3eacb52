"""Arguments of a client's call to an HTTP request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests

from pymacaron.codec.codec import Invalid
from pymacaron.codec.text import TextCodec, is_json, to_text
from pymacaron.exceptions import InternalValidationError
from pymacaron.forms import FORM_TYPES, FormCodec
from pymacaron.messages import faults_in
from pymacaron.model import PymacaronBaseModel
from pymacaron.requests_in import is_binary

if TYPE_CHECKING:
    from pymacaron.codec.types import Types
    from pymacaron.contract import MediaType, Operation, Parameter


@dataclass
class _Draft:
    """A request while its parameters are written."""

    request: requests.Request
    path: str
    query: list[tuple[str, str]] = field(default_factory=list)
    form: list[tuple[str, str]] = field(default_factory=list)
    files: list[tuple[str, Any]] = field(default_factory=list)
    faults: list[dict[str, str]] = field(default_factory=list)

    def put(self, parameter: Parameter, pairs: list[tuple[str, str]]) -> None:
        """Put the texts of a parameter where they belong."""
        if parameter.location == "path":
            self.path = self.path.replace(f"{{{parameter.name}}}", _segment(pairs[0][1]))
        elif parameter.location == "query":
            self.query += pairs
        elif parameter.location == "header":
            self.request.headers[parameter.name] = pairs[0][1]
        elif parameter.location == "cookie":
            self.request.cookies[parameter.name] = pairs[0][1]
        else:
            self.form += pairs

    def path_and_query(self) -> str:
        query = "&".join(f"{name}={text}" for name, text in self.query)
        return f"{self.path}?{query}" if query else self.path


class RequestWriter:
    """Writes the requests of one operation, every argument checked before anything is sent."""

    def __init__(self, types: Types, operation: Operation) -> None:
        self.types = types
        self.operation = operation
        self.parameters: dict[str, tuple[Parameter, TextCodec]] = {}
        for parameter in operation.parameters:
            entry = (parameter, TextCodec(types, parameter, encoded=parameter.location in ("path", "query")))
            self.parameters[parameter.argument] = entry
            self.parameters.setdefault(parameter.name, entry)

    def write(self, base_url: str, body: tuple[Any, ...], arguments: dict[str, Any]) -> requests.Request:
        """Make a request.

        Raises:
            InternalValidationError: an argument is unknown, missing, or breaks the contract.
        """
        made = requests.Request(self.operation.method, headers={}, cookies={})
        draft = _Draft(made, self.operation.path)
        given = self._given(arguments)
        for parameter in self.operation.parameters:
            where = given.get(parameter.location, {})
            if parameter.name in where:
                self._put(draft, parameter, where[parameter.name])
            elif parameter.required:
                missing = Invalid([("", "required", f"the argument {parameter.argument} is missing")])
                draft.faults += faults_in(parameter.location, parameter.name, missing)
        made.url = base_url + draft.path_and_query()
        if draft.form or draft.files:
            self._put_form(draft)
        draft.faults += self._body(made, body)
        if draft.faults:
            raise InternalValidationError(errors=draft.faults)
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

    def _put(self, draft: _Draft, parameter: Parameter, value: Any) -> None:
        """Write one parameter to its place."""
        if parameter.location == "form" and hasattr(value, "read"):
            draft.files.append((parameter.name, value))
            return
        try:
            pairs = self.parameters[parameter.argument][1].write(value)
            draft.put(parameter, pairs)
        except Invalid as error:
            draft.faults += faults_in(parameter.location, parameter.name, error)

    def _put_form(self, draft: _Draft) -> None:
        """Send a form as multipart where it has files, or where nothing else is declared."""
        declared = self.operation.body
        plain = declared is not None and any(media.name == FORM_TYPES[0] for media in declared.content)
        if plain and not draft.files:
            draft.request.data = draft.form
        else:
            draft.request.files = [*((name, (None, text)) for name, text in draft.form), *draft.files]

    def _body(self, made: requests.Request, body: tuple[Any, ...]) -> list[dict[str, str]]:
        declared = self.operation.body
        form = any(parameter.location == "form" for parameter in self.operation.parameters)
        takes = declared is not None and declared.content and not form
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
            self._write_form(made, media, value)
        else:
            if isinstance(value, str) and not is_binary(self.types, media):
                codec.load(value)
            elif not isinstance(value, (str, bytes, bytearray)) and not hasattr(value, "__iter__"):
                raise Invalid([("", "type", f"give text, bytes, a file or an iterator, not {type(value).__name__}")])
            made.data = value.encode() if isinstance(value, str) else value
            made.headers["Content-Type"] = media.name

    def _write_form(self, made: requests.Request, media: MediaType, value: Any) -> None:
        if not isinstance(value, (Mapping, PymacaronBaseModel)):
            raise Invalid([("", "type", f"a form is a model or a dict, not {type(value).__name__}")])
        given = {name: value[name] for name in value}
        files = {name: item for name, item in given.items() if any(hasattr(each, "read") for each in _listed(item))}
        codec = self.types.codec(FormCodec(self.types, media).without_files(files), "request")
        plain = codec.dump(codec.load({name: item for name, item in given.items() if name not in files}))
        fields = [(name, to_text(each)) for name, item in plain.items() for each in _listed(item)]
        sent = [(name, each) for name, item in files.items() for each in _listed(item)]
        if media.name == FORM_TYPES[0]:
            made.data = fields
        else:
            made.files = [*((name, (None, text)) for name, text in fields), *sent]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _segment(text: str) -> str:
    """Return the text of a path parameter, unless it would make a path of another operation."""
    if text in ("", ".", ".."):
        raise Invalid([("", "path", f"{text!r} cannot stand in a path")])
    return text
