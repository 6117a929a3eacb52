"""Every fault of a contract, each with its place and its mend.

The structure is checked by tables made from the three specifications (:mod:`pymacaron.spec.shapes2` and its
siblings) and not by JSON Schema, so that a message can name the object and the key that was meant. What the
document means is checked by rules; :data:`RULES` lists all of them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pymacaron.spec.document import Documents, Node

from .finding import RULES, Finding, Report, short
from .object_rules import ObjectRules
from .references import References
from .routes import Routes
from .schema_rules import SchemaRules
from .structure import Walker, generation_of
from .values import Values

if TYPE_CHECKING:
    from .structure import Hook
    from .vocabulary import Generation

__all__ = ["RULES", "Finding", "check"]

_VERSION = re.compile(r"^3\.[01]\.\d+(?:-.+)?$")


def check(path: str | Path, documents: Documents | None = None) -> list[Finding]:
    """Find every fault of a contract, and of what its references reach in other files.

    Args:
        path: the contract's file, or the name under which ``documents`` holds it.
        documents: files that are parsed already; receives those that are read.

    Returns:
        The faults, sorted by file and line. A file that cannot be read or parsed is one fault.
    """
    documents = documents if documents is not None else Documents()
    report = Report()
    file = str(path) if str(path) in documents.data else str(Path(path).resolve())
    references = References(documents, report)
    root = references.load(file)
    generation = _generation(report, root) if root is not None else None
    if root is not None and generation is not None:
        try:
            _Inspection(references, report, root, generation).run()
        except RecursionError:
            report.error(root, "unreadable", "nested too deeply", "use $ref for the inner parts")
    return report.findings(documents)


class _Inspection:
    """One contract under check, with the rules that look at it."""

    def __init__(self, references: References, report: Report, root: Node, generation: Generation) -> None:
        self.root = root
        self.generation = generation
        self.values = Values(references, report)
        self.schemas = SchemaRules(references, report, self.values, root)
        self.objects = ObjectRules(references, report, self.schemas, self.values)
        self.routes = Routes(references, report, root, generation)
        self.walker = Walker(references, report, self.hooks())

    def hooks(self) -> dict[str, Hook]:
        """Say which rules look at which objects."""
        return {
            "Schema": self.schemas.schema,
            "Parameter": self.objects.parameter,
            "Header": self.objects.carrier,
            "Items": self.objects.carrier,
            "MediaType": self.objects.media_type,
            "Response": self.objects.response,
            "SecurityScheme": self.objects.security_scheme,
            "SecurityRequirement": self.objects.requirement,
            "Server": self.objects.server,
            "Operation": self.routes.operation_id,
        }

    def run(self) -> None:
        """Walk through all objects, then check what needs them all."""
        self.walker.walk(self.root, self.generation)
        self.routes.check()
        self.schemas.finish()
        self.objects.requirements(self.root, self.generation)
        self.objects.unused(self.root, self.generation)
        self.values.check()


def _generation(report: Report, root: Node) -> Generation | None:
    """Tell the generation of a contract, and report a version that is none or not exactly one."""
    value = root.value
    rule = "unsupported-version"
    if not isinstance(value, dict) or not value.keys() & {"swagger", "openapi"}:
        mend = "write swagger: '2.0', or openapi: 3.1.1, at its root"
        report.error(root, rule, "this is no OpenAPI document", mend)
        return None
    key = "swagger" if "swagger" in value else "openapi"
    generation, node = generation_of(value), root.child(key)
    supported = "swagger: '2.0', openapi: 3.0.x and openapi: 3.1.x"
    if generation is None:
        mend = "did you mean openapi?" if key == "swagger" and str(value[key])[:1] == "3" else "write one of these"
        report.error(node, rule, f"{key}: {short(value[key])} is not supported; {supported} are", mend)
    elif generation == "2.0" and value[key] != "2.0":
        report.error(node, "wrong-type", "'swagger' must be a text, but it is a number", "put it in quotes: '2.0'")
    elif key == "openapi" and not (isinstance(value[key], str) and _VERSION.match(value[key])):
        mend = f"write openapi: {generation}.1"
        report.error(node, rule, f"openapi: {short(value[key])} is no version of the form 3.x.y", mend)
    return generation
