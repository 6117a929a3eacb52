"""Handlers of apis/tools.yaml."""

import io
from typing import Any

from pymacaron import get_userid

from .store import ToolNotFound, shed


def list_tools(kind: str | None, tags: list[str] | None, limit: int) -> list[Any]:
    """Return tools, those of one kind or with all of some tags where asked for."""
    found = [
        tool
        for tool in shed.tools.values()
        if (kind is None or tool.kind == kind) and set(tags or ()) <= set(tool.tags or ())
    ]
    return found[:limit]


def add_tool(tool: Any) -> tuple[Any, int, dict[str, str]]:
    """Take a tool into the shed; it belongs to whoever brings it."""
    tool.owner = get_userid()
    kept = shed.add_tool(tool)
    return kept, 201, {"Location": f"/v1/tools/{kept.id}"}


def get_tool(tool_id: int) -> Any:
    """Return one tool."""
    return shed.tool(tool_id)


def set_photo(tool_id: int, photo: Any, caption: str | None) -> dict[str, Any]:
    """Keep a tool's photo."""
    shed.tool(tool_id)
    shed.photos[tool_id] = photo.read()
    return {"bytes": len(shed.photos[tool_id]), "caption": caption or ""}


def get_photo(tool_id: int) -> io.BytesIO:
    """Return a tool's photo as a stream."""
    if tool_id not in shed.photos:
        raise ToolNotFound(f"the tool {tool_id} has no photo")
    return io.BytesIO(shed.photos[tool_id])
