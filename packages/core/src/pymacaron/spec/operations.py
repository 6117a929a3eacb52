"""What both readers of operations share: names, paths, security, and the places of faults."""

from __future__ import annotations

from keyword import iskeyword
from typing import TYPE_CHECKING, Any

from pymacaron.contract import TEMPLATE, Api, Operation, Parameter, Place, Security, SecurityScheme

from .document import Documents, Node, where
from .schemas import Dialect, SchemaReader, identifier

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pymacaron.contract import Body, Callback, Location, Response, Server
    from pymacaron.exceptions import ContractError

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


class ContractReader:
    """Reads one document into an :class:`Api`. The generations' readers fill in what differs."""

    dialect: Dialect

    def __init__(self, documents: Documents, root: Node, name: str) -> None:
        self.documents = documents
        self.root = root
        self.name = name
        self.schemas = SchemaReader(documents, self.dialect)

    def read(self) -> Api:
        """Read the whole document.

        Raises:
            ContractError: the first fault that keeps the contract from being served.
        """
        self.schemas.components(self.component_schemas())
        schemes = self.security_schemes()
        operations = tuple(self.operations(schemes))
        self.schemas.finish()
        info = self.mapping(self.root.get("info"))
        return Api(
            name=self.name,
            file=self.root.file,
            title=str(info.get("title", "")),
            version=str(info.get("version", "")),
            description=str(info.get("description") or ""),
            base_path=self.base_path(),
            servers=self.servers(),
            operations=operations,
            schemas=self.schemas.with_subtypes(),
            security_schemes=schemes,
            float_is_integer=self.dialect == "3.1",
            warnings=tuple(self.schemas.warnings),
        )

    # What each generation says in its own way.

    def component_schemas(self) -> Node | None:
        raise NotImplementedError

    def security_schemes(self) -> dict[str, SecurityScheme]:
        raise NotImplementedError

    def base_path(self) -> str:
        raise NotImplementedError

    def servers(self) -> tuple[Server, ...]:
        raise NotImplementedError

    def parameter(self, node: Node, operation: str) -> Parameter | None:
        raise NotImplementedError

    def body(self, node: Node, parameters: list[Node], operation: str) -> Body | None:
        raise NotImplementedError

    def responses(self, node: Node, operation: str) -> tuple[Response, ...]:
        raise NotImplementedError

    def callbacks(self, node: Node, operation: str) -> tuple[Callback, ...]:
        """Read what an operation calls back; nothing in Swagger 2.0, which has no such thing."""
        return ()

    # Shared by both.

    def refuse(self, node: Node, message: str) -> ContractError:
        """Make an error that names the place."""
        return self.schemas.refuse(node, message)

    def mapping(self, node: Node | None) -> dict[str, Any]:
        """Return a mapping's value, empty where nothing stands."""
        if node is None or node.value is None:
            return {}
        if not isinstance(node.value, dict):
            raise self.refuse(node, f"this must be a mapping, not {str(node.value)[:60]!r}")
        return node.value

    def operations(self, schemes: dict[str, SecurityScheme]) -> Iterable[Operation]:
        """Read every operation of every path."""
        paths = self.root.get("paths")
        self.mapping(paths)
        seen: dict[str, Node] = {}
        for path, item in paths.items() if paths else ():
            if path.startswith("x-"):
                continue
            if not path.startswith("/"):
                raise self.refuse(item, f"the path {path!r} must begin with a slash")
            target = self.documents.follow(item)
            self.mapping(target)
            for method in METHODS:
                node = target.get(method)
                if node is not None:
                    made = self.operation(node, target, path, method, schemes)
                    self.unique(seen, made.name, node)
                    yield made

    def unique(self, seen: dict[str, Node], name: str, node: Node) -> None:
        """Refuse an operation name that stands twice in the contract."""
        if name in seen:
            raise self.refuse(
                node, f"the operation {name!r} stands at {where(self.documents, seen[name])} too; rename one of them"
            )
        seen[name] = node

    def operation(
        self, node: Node, item: Node, path: str, method: str, schemes: dict[str, SecurityScheme]
    ) -> Operation:
        """Read one operation, with the parameters that its path item gives to all."""
        value = self.mapping(node)
        name = operation_name(value, method, path)
        nodes = self.parameter_nodes(node, item)
        parameters = unique_arguments([p for n in nodes if (p := self.parameter(n, name)) is not None])
        self.check_template(path, parameters, node)
        return Operation(
            name=name,
            method=method.upper(),
            path=path,
            place=Place(node.file, node.pointer),
            parameters=parameters,
            body=self.body(node, nodes, name),
            responses=self.responses(node, name),
            security=self.security(node, schemes),
            handler=self.handler(node),
            client_name=self.dotted(node, "x-bind-client", dots=False),
            decorate_server=self.dotted(node, "x-decorate-server"),
            decorate_request=self.dotted(node, "x-decorate-request"),
            summary=str(value.get("summary") or "") or None,
            description=str(value.get("description") or "") or None,
            tags=self.names(node.get("tags")),
            deprecated=value.get("deprecated") is True,
            validate_response=value.get("x-pym-validate-response") is not False,
            callbacks=self.callbacks(node, name) if value.get("x-pym-async") is True else (),
            extensions={k: v for k, v in value.items() if k.startswith("x-") and k not in _OWN_EXTENSIONS},
        )

    def handler(self, node: Node) -> str | None:
        """Return the path of the function that serves an operation; None where it is not served here."""
        value = self.mapping(node)
        if value.get("x-no-bind-server") is True:
            return None
        bound = self.dotted(node, "x-bind-server")
        operation_id = value.get("operationId")
        return bound or (str(operation_id) if operation_id else "")

    def dotted(self, node: Node, key: str, dots: bool = True) -> str | None:
        """Return the Python path under a key."""
        found = node.get(key)
        if found is None:
            return None
        path = found.value
        if not isinstance(path, str) or not all(part.isidentifier() for part in path.split(".")):
            example = "app.pets.find" if dots else "find"
            raise self.refuse(found, f"{key} must be a name such as {example}, not {path!r}")
        return path

    def parameter_nodes(self, node: Node, item: Node) -> list[Node]:
        """List the operation's parameters and those of its path, where it does not override them."""
        found: dict[tuple[Any, Any], Node] = {}
        for owner in (item, node):
            own: set[tuple[Any, Any]] = set()
            listed = owner.get("parameters")
            for child in listed.elements() if listed else ():
                parameter = self.documents.follow(child)
                key = (self.text(parameter, "name"), self.text(parameter, "in"))
                if key in own:
                    raise self.refuse(child, f"the {key[1]} parameter {key[0]!r} stands twice; remove one")
                own.add(key)
                found[key] = parameter
        return list(found.values())

    def check_template(self, path: str, parameters: Iterable[Parameter], node: Node) -> None:
        """Refuse a path whose template and path parameters do not match."""
        wanted = TEMPLATE.findall(path)
        given = {p.name for p in parameters if p.location == "path"}
        for name in wanted:
            if name not in given:
                raise self.refuse(node, f"the path {path!r} names {{{name}}}, but no parameter with in: path does")
            if wanted.count(name) > 1:
                raise self.refuse(node, f"the path {path!r} names {{{name}}} twice; rename one")
        for name in given - set(wanted):
            raise self.refuse(node, f"the path parameter {name!r} is not in the path {path!r}; add {{{name}}} to it")

    def security(self, node: Node, schemes: dict[str, SecurityScheme]) -> tuple[tuple[Security, ...], ...]:
        """Read the operation's security requirements, else those of the whole contract."""
        listed = node.get("security") or self.root.get("security")
        return tuple(
            tuple(self.requirement(child, name, schemes) for name, child in alternative.items())
            for alternative in (listed.elements() if listed else ())
        )

    def requirement(self, node: Node, name: str, schemes: dict[str, SecurityScheme]) -> Security:
        """Read one scheme of a requirement."""
        if name not in schemes:
            known = ", ".join(sorted(schemes)) or "none"
            raise self.refuse(node, f"no security scheme is named {name!r}; declared are: {known}")
        return Security(name, self.names(node))

    def names(self, node: Node | None) -> tuple[str, ...]:
        """Return a list of texts, empty where nothing stands."""
        if node is None or node.value is None:
            return ()
        if not isinstance(node.value, list) or not all(isinstance(name, str) for name in node.value):
            raise self.refuse(node, f"this must be a list of names, not {str(node.value)[:60]!r}")
        return tuple(node.value)

    def text(self, node: Node, key: str) -> str:
        """Return a text that must be there."""
        value = self.mapping(node).get(key)
        if not isinstance(value, str):
            raise self.refuse(node, f"{key} is missing" if value is None else f"{key} must be a text, not {value!r}")
        return value


_OWN_EXTENSIONS = (
    "x-bind-server", "x-no-bind-server", "x-bind-client", "x-decorate-server", "x-decorate-request",
    "x-pym-validate-response",
)  # fmt: skip


def operation_name(value: dict[str, Any], method: str, path: str) -> str:
    """Name an operation: its ``operationId``, else its handler's last part, else method and path."""
    named = value.get("operationId") or str(value.get("x-bind-server") or "").rpartition(".")[2]
    return str(named) if named else identifier(f"{method}_{path.strip('/') or 'root'}")


def argument(name: str, location: Location) -> str:
    """Make the keyword that a handler gets a parameter by: ``X-Trace-Id`` in a header becomes ``x_trace_id``."""
    made = identifier(name.lower() if location == "header" else name)
    return f"{made}_" if iskeyword(made) else made


def unique_arguments(parameters: list[Parameter]) -> tuple[Parameter, ...]:
    """Tell arguments of equal names apart by where their parameters stand: ``id`` and ``query_id``."""
    from msgspec.structs import replace

    order = ("path", "query", "header", "cookie", "form")
    taken: set[str] = set()
    renamed: dict[int, Parameter] = {}
    for parameter in sorted(parameters, key=lambda p: order.index(p.location)):
        name = parameter.argument
        while name in taken:
            name = f"{parameter.location}_{name}"
        taken.add(name)
        renamed[id(parameter)] = replace(parameter, argument=name)
    return tuple(renamed[id(p)] for p in parameters)
