"""What a contract's paths mean: routes, their parameters and bodies, and the functions behind them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from pymacaron.contract import TEMPLATE

from .finding import short, similar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymacaron.spec.document import Node

    from .finding import Report
    from .references import References
    from .vocabulary import Generation

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_BODILESS = ("get", "head", "delete", "trace")


class Listed(NamedTuple):
    """A parameter: where an operation lists it, and where it is written out."""

    place: Node
    target: Node


class Routes:
    """Checks the operations of a contract's ``paths``."""

    def __init__(self, references: References, report: Report, root: Node, generation: Generation) -> None:
        self.references = references
        self.report = report
        self.root = root
        self.generation = generation
        self.templates: dict[str, tuple[str, set[str]]] = {}
        self.names: dict[str, Node] = {}

    def check(self) -> None:
        """Check every path."""
        paths = self.root.get("paths")
        for path, item in paths.items() if paths else ():
            target = self.references.follow(item)
            if path.startswith("/") and target is not None and isinstance(target.value, dict):
                self.path(path, item, target)

    def path(self, path: str, item: Node, target: Node) -> None:
        methods = {method for method in METHODS if isinstance(target.value.get(method), dict)}
        self.template(path, item)
        self.route(path, item, methods)
        shared = list(self.parameters(target))
        if not methods:
            self.declared(path, item, shared)
        for method in sorted(methods):
            self.operation(path, method, target.child(method), shared)

    def template(self, path: str, item: Node) -> None:
        """Check the braces of a path."""
        names = TEMPLATE.findall(path)
        if re.search(r"[{}]", TEMPLATE.sub("", path)) or "" in names:
            self.report.error(item, "invalid-path", f"the braces of {path!r} do not match", "write each name as {name}")
        for name in sorted({name for name in names if names.count(name) > 1}):
            self.report.error(item, "duplicate-parameter", f"the path {path!r} names {{{name}}} twice", "rename one")

    def route(self, path: str, item: Node, methods: set[str]) -> None:
        """Report a path that matches the same requests as one before (OpenAPI 3.0.3, Paths Object)."""
        known = self.templates.setdefault(TEMPLATE.sub("{}", path), (path, methods))
        if known[0] == path:
            return
        both = known[1] & methods
        message = f"the paths {known[0]!r} and {path!r} are the same route"
        if both:
            mend = f"both have {', '.join(sorted(both))}; put the operations under one of them"
            self.report.error(item, "duplicate-route", message, mend)
        else:
            self.report.warning(item, "duplicate-route", message, "put the operations under one of them")
        known[1].update(methods)

    def parameters(self, owner: Node) -> Iterator[Listed]:
        """Yield the parameters that a path item or operation lists."""
        listed = owner.get("parameters")
        known: set[tuple[Any, Any]] = set()
        for place in listed.elements() if listed else ():
            target = self.references.follow(place)
            if target is None or not isinstance(target.value, dict) or not all(map(_is_text, _key(target))):
                continue
            key = _key(target)
            if key in known:
                message = f"the {key[1]} parameter {key[0]!r} is listed twice"
                self.report.error(place, "duplicate-parameter", message, "remove one")
            known.add(key)
            yield Listed(place, target)

    def operation(self, path: str, method: str, node: Node, shared: list[Listed]) -> None:
        """Check one operation of a path."""
        own = list(self.parameters(node))
        overridden = {_key(p.target) for p in own}
        parameters = [p for p in shared if _key(p.target) not in overridden] + own
        self.declared(path, node, parameters)
        self.bound(node)
        if self.generation == "2.0":
            self.body(method, node, parameters)
        elif method in _BODILESS and "requestBody" in node.value:
            self.ignored(method, node.child("requestBody"))

    def declared(self, path: str, node: Node, parameters: list[Listed]) -> None:
        """Check that the path's template and the path parameters match."""
        wanted = set(TEMPLATE.findall(path)) - {""}
        given = {p.target.value["name"]: p.place for p in parameters if p.target.value["in"] == "path"}
        operation = node.pointer.rpartition("/")[2] in METHODS
        for name in sorted(wanted - given.keys()) if operation else ():
            message = f"the path {path!r} names {{{name}}}, but no parameter with in: path has this name"
            mend = similar(name, list(given.keys() - wanted))
            if any(p.target.value.get("name") == name for p in parameters):
                mend = f"write in: path at the parameter {name!r}"
            self.report.error(
                node, "undeclared-path-parameter", message, mend or f"add a parameter: name: {name}, in: path"
            )
        for name, place in given.items():
            if name not in wanted:
                message = f"the path parameter {name!r} is not in the path {path!r}"
                self.report.error(place, "unused-path-parameter", message, f"add {{{name}}} to the path or remove it")

    def bound(self, node: Node) -> None:
        """Check that an operation has a function to serve it, and a name of its own."""
        value = node.value
        handler, name = value.get("x-bind-server"), value.get("operationId")
        if not handler and not name and value.get("x-no-bind-server") is not True:
            mend = "add x-bind-server: <path of a function>, or x-no-bind-server: true if it is served elsewhere"
            self.report.error(node, "unbound-operation", "this operation names no function, nothing to bind to", mend)
        if not name and isinstance(handler, str):
            self.unique(handler.rpartition(".")[2], node.child("x-bind-server"))

    def operation_id(self, node: Node, _: Generation) -> None:
        """Check an operation of any place, callbacks too: its ``operationId`` and its responses."""
        found = node.get("operationId")
        if found is not None and isinstance(found.value, str):
            self.unique(found.value, found)
        served = not re.search(r"/callbacks/|^/webhooks/", node.pointer)
        responses = node.value.get("responses")
        if responses is None and "responses" not in node.value:
            if served or self.generation != "3.1":
                mend = "add responses: with 200: {description: ...} at least"
                self.report.error(node, "no-responses", "this operation has no responses", mend)
        elif isinstance(responses, dict) and not any(not key.startswith("x-") for key in responses):
            mend = "add 200: {description: ...} at least"
            self.report.error(node.child("responses"), "no-responses", "there is no response here", mend)

    def unique(self, name: str, node: Node) -> None:
        known = self.names.setdefault(name, node)
        if known.pointer != node.pointer or known.file != node.file:
            owner = known.pointer.rpartition("/")[0]
            message = f"the operation at #{owner} is named {name!r} too"
            self.report.error(node, "duplicate-operation-id", message, "rename one of them")

    def body(self, method: str, node: Node, parameters: list[Listed]) -> None:
        """Check body and form parameters (Swagger 2.0, Parameter Object)."""
        bodies = [p for p in parameters if p.target.value.get("in") == "body"]
        forms = [p for p in parameters if p.target.value.get("in") == "formData"]
        if len(bodies) > 1:
            self.report.error(bodies[1].place, "body-conflict", "this operation has two body parameters", "keep one")
        if bodies and forms:
            message = "this operation has a body parameter and form parameters"
            self.report.error(forms[0].place, "body-conflict", message, "keep either; both make up the body")
        if method in _BODILESS and (bodies or forms):
            self.ignored(method, (bodies or forms)[0].place)
        if forms:
            self.form(node, forms)

    def ignored(self, method: str, place: Node) -> None:
        message = f"a body has no meaning with {method.upper()}; servers and proxies may drop it"
        self.report.warning(place, "ignored-body", message, "use query parameters, or POST, PUT or PATCH")

    def form(self, node: Node, forms: list[Listed]) -> None:
        """Check that an operation with form parameters consumes a form."""
        given = node.get("consumes") or self.root.get("consumes")
        names = [str(n).partition(";")[0].strip().lower() for n in given.value] if _is_list(given) and given else []
        file = next((p for p in forms if p.target.value.get("type") == "file"), None)
        if file is not None and _FORMS[1] not in names:
            message = f"a file is sent as {_FORMS[1]}, which consumes lacks"
            self.report.error(file.place, "form-consumes", message, f"add consumes: [{_FORMS[1]}] to the operation")
        elif names and not set(names) & set(_FORMS):
            message = f"a form parameter needs {_FORMS[0]} or {_FORMS[1]}, but consumes is {short(names)}"
            self.report.error(forms[0].place, "form-consumes", message, "add one of them to consumes")
        elif not names:
            message = "this operation has form parameters, but no consumes"
            self.report.warning(forms[0].place, "form-consumes", message, f"add consumes: [{_FORMS[0]}]")


def _is_list(node: Node | None) -> bool:
    return node is not None and isinstance(node.value, list)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _key(node: Node) -> tuple[Any, Any]:
    """What tells a parameter from others; names of headers have no case (RFC 9110, section 5.1)."""
    name, place = node.value.get("name"), node.value.get("in")
    return (name.lower() if place == "header" and isinstance(name, str) else name), place
