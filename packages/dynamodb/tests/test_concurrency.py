"""Writers that are at one item at the same time: none of them loses an update."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

import counting
import shop
from differences import differs
from proxy import proxy
from pymacaron_dynamodb import DynamoDBItemNotFound, StaleWrite, TableConfigError, retry_stale
from pymacaron_dynamodb.binding import binding_of

if TYPE_CHECKING:
    from engines import Engine
    from pymacaron_dynamodb.database import Database

#: `nox -s soak` counts to 8,000, and tries more interleavings.
IS_SOAK = bool(os.environ.get("PYM_TEST_SOAK"))
INCREMENTS = 500 if IS_SOAK else 4
PROCESSES = 16


@pytest.mark.once
def test_sixteen_processes_count(engine: Engine, database: Database) -> None:
    """Processes that count one counter up by versioned saves with retries arrive at the sum of all their counts."""
    prefix = database.settings.table_prefix
    with proxy(engine.url, one_at_a_time=differs(engine, "not-isolated")) as url:
        command = [sys.executable, str(Path(counting.__file__)), url, prefix, str(PROCESSES), str(INCREMENTS)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stderr
    request = {"TableName": f"{prefix}Counter", "Key": {"id": {"S": "c"}}, "ConsistentRead": True}
    item = database.call("GetItem", request)["Item"]
    assert int(item["hits"]["N"]) == PROCESSES * INCREMENTS
    assert int(item["version"]["N"]) == PROCESSES * INCREMENTS + 1


@pytest.fixture
def counter(database: Database) -> Any:
    """Return the class of counters, whose table is there."""
    return shop.load({"Counter": counting.COUNTER}).Counter


def test_changes_are_tried_again(counter: Any) -> None:
    """A change is made anew of what somebody else wrote meanwhile, a bounded number of times."""
    counter(id="c", hits=0).save_to_db()
    tries = 0

    def change(found: Any) -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            counter.update_in_db("c", add={"hits": 10})
        found.hits += 1

    made = counter.change_in_db(change, "c")
    assert (tries, made.hits, made.version) == (3, 21, 4)

    def always(found: Any) -> None:
        counter.update_in_db("c", add={"hits": 1})

    with pytest.raises(StaleWrite):
        counter.change_in_db(always, "c", tries=2)
    assert counter.load_from_db("c").hits == 23


def test_changes_that_fail(counter: Any, database: Database) -> None:
    """What a change raises is passed on, nothing is written then, and without an item or a version there is none."""
    counter(id="c", hits=0).save_to_db()

    def fails(found: Any) -> None:
        found.hits = 5
        raise KeyError("no")

    with pytest.raises(KeyError):
        counter.change_in_db(fails, "c")
    assert counter.load_from_db("c").hits == 0
    with pytest.raises(DynamoDBItemNotFound):
        counter.change_in_db(fails, "d")
    plain: Any = shop.load({"Plain": {**counting.COUNTER, "x-pym-table": {"hash": "id"}}}, "plain").Plain
    with pytest.raises(TableConfigError, match="has no version, so a change that somebody else makes meanwhile"):
        plain.change_in_db(fails, "c")


def test_whatever_is_tried_again() -> None:
    """A function is called until it does not end in a stale write; its result is returned."""
    left = [1, 2]

    def function() -> str:
        if left:
            left.pop()
            raise StaleWrite
        return "done"

    assert retry_stale(function) == "done"
    left += [1, 2]
    with pytest.raises(StaleWrite):
        retry_stale(function, tries=2)


@dataclass
class Held:
    """An object that a writer has, and what it was made from.

    Attributes:
        life: of the item that was read; None where none was.
    """

    obj: Any
    life: int | None
    version: int | None


class Writers(RuleBasedStateMachine):
    """Two writers of one item, beside a model of what is stored: a write passes where nothing came between.

    An item that is deleted and made anew begins with version 1 again, so a writer who still holds the old one is made
    to forget it then.
    """

    model: Any

    def __init__(self) -> None:
        super().__init__()
        self.stored: dict[str, int] | None = None
        self.life = 0
        self.held: dict[int, Held] = {}
        binding = binding_of(self.model)
        binding.database.call("DeleteItem", binding.request(Key={"id": {"S": "c"}}))

    writers = st.sampled_from([0, 1])
    numbers = st.integers(-3, 3)

    @rule(who=writers, hits=numbers)
    def make(self, who: int, hits: int) -> None:
        """Make a new object."""
        self.held[who] = Held(self.model(id="c", hits=hits), None, None)

    @rule(who=writers)
    def load(self, who: int) -> None:
        """Load the item."""
        if self.stored is None:
            with pytest.raises(DynamoDBItemNotFound):
                self.model.load_from_db("c")
        else:
            self._holds(who, self.model.load_from_db("c"))

    @precondition(lambda self: self.held)
    @rule(who=writers)
    def reload(self, who: int) -> None:
        """Load the item into an object."""
        if who not in self.held:
            return
        if self.stored is None:
            with pytest.raises(DynamoDBItemNotFound):
                self.held[who].obj.reload_from_db()
        else:
            self.held[who].obj.reload_from_db()
            self._holds(who, self.held[who].obj)

    @precondition(lambda self: self.held)
    @rule(who=writers, hits=numbers)
    def assign(self, who: int, hits: int) -> None:
        """Change an object alone."""
        if who in self.held:
            self.held[who].obj.hits = hits

    @precondition(lambda self: self.held)
    @rule(who=writers)
    def save(self, who: int) -> None:
        """Write an object."""
        if who not in self.held:
            return
        held = self.held[who]
        if held.life is None and self.stored is None:
            self.life += 1
            self.held = {who: held}
            held.obj.save_to_db()
            self._wrote(who, {"hits": held.obj.hits, "version": 1})
        elif held.life is not None and self._is_current(held):
            held.obj.save_to_db()
            self._wrote(who, {"hits": held.obj.hits, "version": (held.version or 0) + 1})
        else:
            self._refused(held, held.obj.save_to_db)

    @precondition(lambda self: self.held)
    @rule(who=writers, more=numbers, any_version=st.booleans())
    def update(self, who: int, more: int, any_version: bool) -> None:
        """Change the item in place."""
        if who not in self.held:
            return
        held = self.held[who]
        blind = any_version or held.life is None

        def act() -> None:
            held.obj.update(add={"hits": more}, any_version=any_version)

        if self.stored is None and blind:
            with pytest.raises(DynamoDBItemNotFound):
                act()
        elif self.stored is not None and (blind or self._is_current(held)):
            act()
            self._wrote(who, {"hits": self.stored["hits"] + more, "version": self.stored["version"] + 1})
        else:
            self._refused(held, act)

    @precondition(lambda self: self.held)
    @rule(who=writers)
    def delete(self, who: int) -> None:
        """Delete the item."""
        if who not in self.held:
            return
        held = self.held[who]
        if held.life is None or self._is_current(held):
            held.obj.delete_from_db()
            self.stored = None
            del self.held[who]
        else:
            self._refused(held, held.obj.delete_from_db)

    def _is_current(self, held: Held) -> bool:
        return self.stored is not None and (held.life, held.version) == (self.life, self.stored["version"])

    def _holds(self, who: int, obj: Any) -> None:
        assert self.stored is not None
        assert (obj.hits, obj.version) == (self.stored["hits"], self.stored["version"])
        self.held[who] = Held(obj, self.life, obj.version)

    def _wrote(self, who: int, stored: dict[str, int]) -> None:
        self.stored = stored
        self._holds(who, self.held[who].obj)
        self._is_stored()

    def _refused(self, held: Held, act: Any) -> None:
        before = held.obj.to_json()
        with pytest.raises(StaleWrite):
            act()
        assert held.obj.to_json() == before
        self._is_stored()

    def _is_stored(self) -> None:
        """Look at the item itself."""
        binding = binding_of(self.model)
        found = binding.database.call("GetItem", binding.request(Key={"id": {"S": "c"}})).get("Item")
        held = None if found is None else {name: int(found[name]["N"]) for name in ("hits", "version")}
        assert held == self.stored


@pytest.mark.once
def test_any_interleaving_of_two_writers(counter: Any) -> None:
    """Whatever two writers do in whatever order, a write is made on what was read, or refused, and nothing is lost."""
    machine = type("Machine", (Writers,), {"model": counter})
    bounds = settings(
        max_examples=200 if IS_SOAK else 15, stateful_step_count=25, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(machine, settings=bounds)
