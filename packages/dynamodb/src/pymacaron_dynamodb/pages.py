"""Pages of list operations: what a contract says of ``limit``, ``cursor`` and the response, applied to a query.

A list operation has the query parameters ``limit`` and ``cursor``, and answers with an object that has one array and
the cursor of the next page; or with an array alone, and then the cursor is in the ``Link`` header only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import request
from msgspec import UNSET

from pymacaron.codec.text import is_json
from pymacaron.contract import Schema
from pymacaron.exceptions import fault
from pymacaron.flaskapp.routes import current_operation

from .exceptions import InvalidCursor, QueryInvalid
from .results import PAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pymacaron.codec.types import Types
    from pymacaron.contract import Operation, Parameter

    from .results import Results

#: What the property with the cursor of the next page is called; the first one that is there counts.
CURSORS = ("next_cursor", "next", "nextCursor", "cursor")
#: What the query parameter for the cursor is called; likewise.
PARAMETERS = ("cursor", "next_cursor", "next")
#: What the parameter for the size of a page is called.
LIMIT = "limit"

Answer = tuple[Any, int, dict[str, str]]


def page(
    results: Results[Any],
    *,
    limit: int | None = None,
    cursor: str | None = None,
    items: str | None = None,
    next: str | None = None,
) -> Answer:
    """Return one page of a query or a scan as the current operation's response; a handler returns it as it is.

    The contract says the rest: the parameter ``limit`` has the default and the maximum, and the response's schema has
    the property of the objects, its only array or the one called ``items``, and the property of the cursor, called
    ``next_cursor``, ``next`` or ``cursor``. The header ``Link`` leads to the next page as well (RFC 8288).

    Args:
        limit: what the request says.
        cursor: what the request says.
        items: property of the objects, where the contract does not tell.
        next: property of the cursor, likewise.

    Raises:
        InvalidCursor: the cursor was changed, or is of another list.
        QueryInvalid: the response's schema has no place for a page, or there is no current operation.
    """
    found = current_operation()
    form = _form_of(found[0].types, found[1], items, next) if found is not None else _named(items, next)
    size = min(limit or form.default, form.maximum or limit or form.default)
    try:
        made = results.page(size, cursor or None)
    except InvalidCursor as error:
        error.errors = [fault("query", f"/{form.parameter or PARAMETERS[0]}", "cursor", error.message)]
        raise
    return form.body(made.items, made.cursor), form.status, form.headers(made.cursor)


@dataclass(frozen=True)
class PageForm:
    """How an operation takes and gives pages.

    Attributes:
        status: of its response.
        items: property of the objects; None where the response is the array itself.
        next: property of the cursor; None where there is none.
        is_nullable: whether the last page has that property too, with null.
        parameter: query parameter of the cursor.
        default: how many objects a page has.
        maximum: how many it has at most.
    """

    status: int = 200
    items: str | None = None
    next: str | None = None
    is_nullable: bool = False
    parameter: str | None = None
    default: int = PAGE
    maximum: int | None = None

    def body(self, objects: list[Any], cursor: str | None) -> Any:
        """Return the response's body."""
        if self.items is None:
            return objects
        made: dict[str, Any] = {self.items: objects}
        if self.next is not None and (cursor is not None or self.is_nullable):
            made[self.next] = cursor
        return made

    def headers(self, cursor: str | None) -> dict[str, str]:
        """Return the response's headers."""
        if cursor is None or self.parameter is None:
            return {}
        given = [(name, value) for name, value in request.args.items(multi=True) if name != self.parameter]
        # Relative to the request's own URL (RFC 3986, section 5.2), which proxies may have changed.
        return {"Link": f'<?{urlencode([*given, (self.parameter, cursor)])}>; rel="next"'}


def _named(items: str | None, next: str | None) -> PageForm:
    if items is None or next is None:
        raise QueryInvalid(
            "page() was called outside of an operation, and so no contract says what a page looks like; name the"
            " properties: page(…, items=…, next=…)"
        )
    return PageForm(items=items, next=next)


def _form_of(types: Types, operation: Operation, items: str | None, next: str | None) -> PageForm:
    """Read how an operation takes and gives pages."""
    status, schema = _response(operation)
    query = {p.name: p for p in operation.parameters if p.location == "query"}
    parameter = _first(PARAMETERS, query)
    default, maximum = _sizes(types, query.get(LIMIT))
    shape = types.shape(schema)
    if isinstance(shape, Schema) and "array" in shape.type and items is None:
        if parameter is None:
            raise _wrong(operation, "answers with an array and has no query parameter cursor; add one")
        return PageForm(status, parameter=parameter, default=default, maximum=maximum)
    fields = types.fields(shape) if isinstance(shape, Schema) else {}
    shapes = {name: found for name, each in fields.items() if isinstance(found := types.shape(each), Schema)}
    next = next or _first(CURSORS, shapes)
    if next is None and parameter is None:
        raise _wrong(operation, f"has none of {', '.join(CURSORS)} in its response; add one, or name it by next=…")
    nullable = next in shapes and _is_nullable(shapes[next])
    if isinstance(shape, Schema) and next in shape.required and not nullable:
        raise _wrong(operation, f"must have {next!r}, and the last page has none; make it optional, or nullable")
    return PageForm(status, items or _items(operation, shapes), next, nullable, parameter, default, maximum)


def _response(operation: Operation) -> tuple[int, Schema | bool]:
    """Return status and schema of the response to a request that is served."""
    good = {int(r.status): r for r in operation.responses if r.status.isdigit() and r.status.startswith("2")}
    for status in sorted(good, key=lambda status: (status != 200, status)):
        for media in good[status].content:
            if is_json(media.name):
                return status, media.schema
    raise _wrong(operation, "has no response of JSON with a status of 2xx; add one")


def _items(operation: Operation, shapes: Mapping[str, Schema]) -> str:
    """Return the property of the objects."""
    arrays = [name for name, shape in shapes.items() if "array" in shape.type]
    if len(arrays) != 1 and "items" not in arrays:
        raise _wrong(
            operation, f"has {', '.join(arrays) or 'none'} as arrays in its response; name the objects' one by items=…"
        )
    return arrays[0] if len(arrays) == 1 else "items"


def _sizes(types: Types, limit: Parameter | None) -> tuple[int, int | None]:
    """Return how many objects a page has, and how many at most."""
    shape = types.shape(limit.schema) if limit is not None else True
    if not isinstance(shape, Schema):
        return PAGE, None
    maximum = int(shape.maximum) if shape.maximum is not None else None
    default = int(shape.default) if shape.default is not UNSET else min(PAGE, maximum or PAGE)
    return default, maximum


def _is_nullable(shape: Schema) -> bool:
    branches = (*shape.any_of, *shape.one_of)
    return "null" in shape.type or any(isinstance(each, Schema) and "null" in each.type for each in branches)


def _first(names: tuple[str, ...], having: Mapping[str, Any]) -> str | None:
    return next((name for name in names if name in having), None)


def _wrong(operation: Operation, what: str) -> QueryInvalid:
    return QueryInvalid(f"the operation {operation.name!r} cannot answer with a page: it {what}")
