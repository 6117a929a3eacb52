"""Objects of OpenAPI as tables: which keys each has, and what may stand under them.

A kind says what may stand in a place, in a small language:

=================  ===================================================================================
``string`` …       a scalar, one of :data:`pymacaron.spec.scalars.SCALARS`
``Operation`` …    an object, one of the generation's shapes
``=csv|ssv``       one of these texts
``list K``         a list of ``K``; ``some K`` has an element at least, ``set K`` none twice
``map K``          a mapping of any names to ``K``; ``single K`` has one entry; ``names K`` those of components
``K or K``         either
=================  ===================================================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

Verb = Literal["scalar", "object", "enum", "list", "some", "set", "map", "names", "single", "or"]


@dataclass(frozen=True, slots=True)
class Kind:
    """What may stand in a place."""

    verb: Verb
    name: str = ""
    parts: tuple[Kind, ...] = ()
    values: tuple[str, ...] = ()


@cache
def kind(text: str) -> Kind:
    """Read a kind."""
    if " or " in text:
        return Kind("or", text, tuple(kind(part) for part in text.split(" or ")))
    if text.startswith("="):
        return Kind("enum", text, values=tuple(text[1:].split("|")))
    for verb in ("list", "some", "set", "map", "names", "single"):
        if text.startswith(f"{verb} "):
            return Kind(verb, text, (kind(text.removeprefix(f"{verb} ")),))
    return Kind("object" if text[:1].isupper() else "scalar", text)


@dataclass(frozen=True)
class Shape:
    """One object of one generation.

    Attributes:
        name: as the specification calls it.
        fields: kinds by key; a required key ends with ``!`` in the table and without it here.
        required: the keys that must be there.
        patterns: kinds of the keys that match an expression.
        rest: kind of every other key; without it they are unknown.
        exclusive: groups of keys of which one at most may be there.
        one_of: groups of keys of which one at least must be there.
        select: a key, and by its value the shape that holds instead (``otherwise`` where the value has none).
        reference: whether a ``$ref`` may stand in its place.
        extensible: whether it may hold ``x-`` keys.
        lenient: whether an unknown key is worth a warning only.
        flag: whether ``true`` or ``false`` may stand in its place.
        family: what a reference to it must be declared as.
        label: as it stands in messages.
    """

    name: str
    fields: dict[str, str]
    required: tuple[str, ...] = ()
    patterns: tuple[tuple[re.Pattern[str], str], ...] = ()
    rest: str | None = None
    exclusive: tuple[tuple[str, ...], ...] = ()
    one_of: tuple[tuple[str, ...], ...] = ()
    select: tuple[str, dict[str, str]] | None = None
    otherwise: str | None = None
    reference: bool = False
    extensible: bool = True
    lenient: bool = False
    flag: bool = False
    family: str = ""
    label: str = ""

    def extended(self, fields: dict[str, str], without: tuple[str, ...] = (), **changes: object) -> Shape:
        """Return a copy with more fields and fewer."""
        kept = {k: v for k, v in self.fields.items() if k not in without}
        required = tuple(k for k in self.required if k not in without)
        base = replace(self, fields=kept, required=required)
        given = shape(base.name, fields)
        return replace(
            base,
            fields={**kept, **given.fields},
            required=(*required, *given.required),
            **changes,  # type: ignore[arg-type]
        )


Vocabulary = dict[str, Shape]


def shape(name: str, fields: dict[str, str], *, patterns: dict[str, str] | None = None, **rest: object) -> Shape:
    """Make a shape from a row of a table."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    made = {"family": name, "label": f"{'an' if words[0] in 'AEIOU' else 'a'} {words}", **rest}
    return Shape(
        name,
        {key.removesuffix("!"): text for key, text in fields.items()},
        tuple(key.removesuffix("!") for key in fields if key.endswith("!")),
        tuple((re.compile(pattern), text) for pattern, text in (patterns or {}).items()),
        **made,  # type: ignore[arg-type]
    )


def vocabulary(*shapes: Shape) -> Vocabulary:
    """Index shapes by name."""
    return {made.name: made for made in shapes}
