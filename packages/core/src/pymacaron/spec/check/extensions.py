"""The ``x-`` keys that PyMacaron owns, and what may stand under each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .finding import short, similar
from .scalars import seen

if TYPE_CHECKING:
    from pymacaron.spec.document import Node

    from .finding import Report

PATHS = {
    "x-bind-server": "app.pets.find",
    "x-decorate-server": "pymacaron.auth.requires_auth",
    "x-decorate-request": "pymacaron.auth.add_auth",
    "x-parent": "app.models.Pet",
    "x-persist": "app.models.PersistentPet",
    "x-pym-verify": "app.auth.verify",
}
FLAGS = ("x-no-bind-server", "x-nullable", "x-pym-validate-response", "x-pym-async", "x-pym-etag")
#: What may stand below ``x-pym-table``.
TABLE = (
    "name", "hash", "range", "indexes", "version", "ttl", "encryption", "sets", "billing", "point_in_time_recovery",
    "deletion_protection", "item_version",
)  # fmt: skip
OWN = ("x-pym-async", "x-pym-etag", "x-pym-table", "x-pym-validate-response", "x-pym-verify")


def check_extension(report: Report, node: Node) -> None:
    """Report an unknown ``x-pym-`` key, and a value that one of PyMacaron's keys cannot have."""
    key, value = node.pointer.rpartition("/")[2], node.value
    if key.startswith("x-pym-") and key not in OWN:
        mend = similar(key, OWN) or f"the known ones are {', '.join(OWN)}"
        report.error(node, "unknown-extension", f"unknown key {key!r}", mend)
    elif key in FLAGS and not isinstance(value, bool):
        report.error(node, "bad-extension", f"{key} is {seen(value)}", "write true or false")
    elif key in PATHS and not _is_path(value):
        shown = short(value) if isinstance(value, (dict, list)) else seen(value)
        report.error(
            node, "bad-extension", f"{key} is {shown}, which is no Python path", f"write a path such as {PATHS[key]}"
        )
    elif key == "x-bind-client" and not (isinstance(value, str) and value.isidentifier()):
        report.error(node, "bad-extension", f"{key} is {seen(value)}", "write one Python name, such as find_pets")
    elif key == "x-pym-table":
        _check_table(report, node)


def _check_table(report: Report, node: Node) -> None:
    """Report what ``x-pym-table`` cannot have; whether it fits the schema is found when the table is defined."""
    mend = "write a mapping with hash at least, the property that is the partition key"
    if not isinstance(node.value, dict):
        report.error(node, "bad-extension", f"x-pym-table is {seen(node.value)}", mend)
        return
    if "hash" not in node.value:
        report.error(node, "bad-extension", "x-pym-table has no hash", mend)
    for key, child in node.items():
        if key not in TABLE:
            known = similar(str(key), TABLE) or f"the known ones are {', '.join(TABLE)}"
            report.error(child, "bad-extension", f"x-pym-table has an unknown key {key!r}", known)


def _is_path(value: object) -> bool:
    return isinstance(value, str) and all(part.isidentifier() for part in value.split("."))


def is_own(key: str) -> bool:
    """Tell whether a key is one of PyMacaron's."""
    return key in PATHS or key in FLAGS or key.startswith("x-pym-")
