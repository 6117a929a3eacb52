"""Which branches of a schema a value takes, held against core's own codec."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from coverage_cases import zoo
from pymacaron_unit.coverage.branches import MAX_VISITS, Spots, taken_if_valid
from pymacaron_unit.coverage.items import inventory

CONTRACT = zoo()
SPOTS = Spots(CONTRACT.types, "request")
ITEMS = set(inventory(CONTRACT).items)

cats = st.recursive(
    st.fixed_dictionaries({"kind": st.just("Cat")}, optional={"lives": st.one_of(st.none(), st.integers(), st.text())}),
    lambda inner: st.fixed_dictionaries({"kind": st.just("Cat"), "kittens": st.lists(inner, max_size=3)}),
    max_leaves=5,
)
dogs = st.fixed_dictionaries(
    {"kind": st.just("Dog")}, optional={"mood": st.sampled_from(["glad", "sad", None, 1]), "why": st.text()}
)
animals = st.one_of(cats, dogs, st.fixed_dictionaries({"kind": st.text()}), st.none())


@given(animals)
def test_takes_the_branch_that_the_codec_takes(value: Any) -> None:
    """An alternative is marked where core accepts the value by it, and nothing is where core refuses the value."""
    codec = CONTRACT.types.codec
    marks = taken_if_valid(SPOTS.named("Animal"), value)
    schemas = CONTRACT.types.schemas
    valid = codec(schemas["Animal"], "request").accepts(value)
    for index, name in enumerate(("Cat", "Dog")):
        key = f"Animal (request)#/oneOf/{index} is {name} (alternative {index + 1})"
        assert (key in marks) is (valid and codec(schemas[name], "request").accepts(value))
    assert valid or not marks


@given(animals)
def test_takes_only_what_is_listed(value: Any) -> None:
    """Every branch that a value takes is an item of the contract."""
    assert taken_if_valid(SPOTS.named("Animal"), value) <= ITEMS


@given(cats)
def test_a_property_is_present_or_absent(value: Any) -> None:
    """A valid object takes one of the two, whatever else it holds; objects below may take the other too."""
    marks = taken_if_valid(SPOTS.named("Cat"), value)
    if not marks:
        return
    for name in ("lives", "kittens"):
        word = "present" if name in value else "absent"
        assert f"Cat (request)#/properties/{name} {word}" in marks


@given(st.lists(cats, max_size=4), st.lists(cats, max_size=4))
def test_an_array_takes_what_its_elements_take(left: list[Any], right: list[Any]) -> None:
    """What a list takes is the union of what its parts take."""
    spot = SPOTS.named("Cat")

    def kittens(values: list[Any]) -> set[str]:
        return taken_if_valid(spot, {"kind": "Cat", "kittens": values})

    both = kittens(left + right)
    if both:
        apart = kittens(left) | kittens(right)
        assert both == apart - ({"Cat (request)#/properties/kittens empty"} if _has_empty(left, right) else set())


def _has_empty(left: list[Any], right: list[Any]) -> bool:
    """Tell whether only a part that was made here, and no kitten, has an empty list."""
    made = (not left or not right) and bool(left or right)
    return made and not any(_empty_inside(cat) for cat in left + right)


def _empty_inside(cat: Any) -> bool:
    found = cat.get("kittens")
    return found is not None and (not found or any(map(_empty_inside, found)))


def test_bounds_its_work() -> None:
    """A message of a hundred thousand objects costs no more than a fixed number of looks."""
    cats = [{"kind": "Cat", "lives": index} for index in range(5 * MAX_VISITS)]
    assert "Cat (request)#/properties/kittens not empty" in taken_if_valid(
        SPOTS.named("Cat"), {"kind": "Cat", "kittens": cats}
    )
