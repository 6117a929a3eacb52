"""One operation of a stub: what it answers, what it received, and how often it must be called."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from .answers import Answer, Answers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pymacaron.contract import Operation

    from ..contracts import Contract
    from .calls import Call

BODY = "body"


@dataclass(frozen=True)
class Reply:
    """What is done with one call: an answer after some seconds, or none at all."""

    answer: Answer
    seconds: float = 0
    drops: bool = False


class Rule:
    """What an operation answers to the calls that a condition holds for. Each method returns the rule itself."""

    def __init__(self, answers: Answers, holds: Callable[[Call], bool] = lambda call: True) -> None:
        self.holds = holds
        self._answers = answers
        self._lock = threading.Lock()
        self._replies: list[Answer] = [Answer()]
        self._seconds = 0.0
        self._drops = False

    def returns(
        self,
        body: Any = UNSET,
        status: int | None = None,
        headers: Mapping[str, Any] | None = None,
        *,
        unchecked: bool = False,
    ) -> Rule:
        """Answer with a body.

        Args:
            body: a model or what JSON holds, or text or bytes; the contract's example where it is left out.
            status: the first declared success where it is None.
            headers: those of the answer.
            unchecked: whether it may be what the contract does not allow.

        Raises:
            ContractBroken: the contract does not allow it; the message lists every fault.
        """
        return self._set([Answer(body, status, headers or {}, unchecked)])

    def returns_each(self, answers: Iterable[Any], *, unchecked: bool = False) -> Rule:
        """Answer with one after the other; the last one stays.

        Args:
            answers: bodies, or tuples ``(body, status)`` and ``(body, status, headers)`` as handlers return them.
            unchecked: whether they may be what the contract does not allow.

        Raises:
            ContractBroken: the contract does not allow one of them.
            ValueError: there are none.
        """
        made = [_answer(each, unchecked) for each in answers]
        if not made:
            raise ValueError("returns_each needs at least one answer; call reset() to answer by the contract's example")
        return self._set(made)

    def fails(self, status: int = 500, body: Any = UNSET, headers: Mapping[str, Any] | None = None) -> Rule:
        """Answer with an error, in the shape that the contract declares for it.

        A status from 500 on need not be declared; one that is not has a body of PyMacaron's own shape.

        Raises:
            ContractBroken: the contract does not allow it.
            ValueError: the status is none of an error.
        """
        if not 400 <= status <= 599:
            raise ValueError(f"fails({status}): that is no status of an error; use 400 to 599")
        return self._set([self._answers.failure(status, body, headers or {})])

    def slow(self, seconds: float) -> Rule:
        """Wait so many seconds before each answer."""
        with self._lock:
            self._seconds = seconds
        return self

    def drops(self) -> Rule:
        """Close the connection without an answer."""
        with self._lock:
            self._drops = True
        return self

    def _set(self, replies: list[Answer]) -> Rule:
        for each in replies:
            self._answers.write(each)
        with self._lock:
            self._replies, self._drops = replies, False
        return self

    def next(self) -> Reply:
        """Return what is done with the next call."""
        with self._lock:
            answer = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
            return Reply(answer, self._seconds, self._drops)


class StubbedOperation:
    """One operation of a stub. It answers with its first declared success and a valid example until it is told else."""

    def __init__(self, contract: Contract, operation: Operation) -> None:
        self.operation = operation
        self.answers = Answers(contract, operation)
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._always = Rule(self.answers)
        self._rules: list[Rule] = []
        self._expected: list[tuple[int, int | None]] = []

    # What it answers to every call.

    def returns(
        self,
        body: Any = UNSET,
        status: int | None = None,
        headers: Mapping[str, Any] | None = None,
        *,
        unchecked: bool = False,
    ) -> Rule:
        """Answer with a body; as :meth:`Rule.returns`."""
        return self._always.returns(body, status, headers, unchecked=unchecked)

    def returns_each(self, answers: Iterable[Any], *, unchecked: bool = False) -> Rule:
        """Answer with one after the other; as :meth:`Rule.returns_each`."""
        return self._always.returns_each(answers, unchecked=unchecked)

    def fails(self, status: int = 500, body: Any = UNSET, headers: Mapping[str, Any] | None = None) -> Rule:
        """Answer with an error; as :meth:`Rule.fails`."""
        return self._always.fails(status, body, headers)

    def slow(self, seconds: float) -> Rule:
        """Wait so many seconds before each answer."""
        return self._always.slow(seconds)

    def drops(self) -> Rule:
        """Close the connection without an answer."""
        return self._always.drops()

    def when(self, condition: Callable[[Call], bool] | None = None, **matching: Any) -> Rule:
        """Return a rule for some calls, to be programmed like the operation; of several that hold, the last one counts.

        Args:
            condition: tells whether a call is meant.
            matching: values of parameters, and of ``body``; of an object's properties only those given must be equal.

        Raises:
            ValueError: the operation has no such parameter.
        """
        known = {parameter.argument for parameter in self.operation.parameters} | {BODY}
        unknown = sorted(matching.keys() - known)
        if unknown:
            raise ValueError(
                f"{self.operation.name} has no parameter {', '.join(map(repr, unknown))}; it has"
                f" {', '.join(sorted(known))}"
            )
        rule = Rule(self.answers, lambda call: (condition is None or condition(call)) and _is_meant(call, matching))
        with self._lock:
            self._rules.append(rule)
        return rule

    # What it received.

    @property
    def calls(self) -> list[Call]:
        """The calls received so far, the first one first."""
        with self._lock:
            return list(self._calls)

    def expects(self, times: int | None = None, *, at_least: int = 1) -> StubbedOperation:
        """Demand of the test that it leads to calls: exactly ``times``, or else ``at_least`` so many."""
        with self._lock:
            self._expected.append((times, times) if times is not None else (at_least, None))
        return self

    def unmet(self) -> list[str]:
        """Say which demands are not met."""
        count = len(self.calls)
        with self._lock:
            broken = [(low, high) for low, high in self._expected if count < low or (high is not None and count > high)]
        return [
            f"{self.operation.name} was called {_times(count)}; expected was {'' if high is not None else 'at least '}"
            f"{_times(low)}"
            for low, high in broken
        ]

    def reset(self) -> None:
        """Forget what was programmed, received and demanded."""
        with self._lock:
            self._calls, self._rules, self._expected = [], [], []
            self._always = Rule(self.answers)

    def receive(self, call: Call) -> Reply:
        """Note a call, and return what is done with it."""
        with self._lock:
            self._calls.append(call)
            rules = [*reversed(self._rules), self._always]
        return next(rule for rule in rules if rule.holds(call)).next()


def _answer(given: Any, unchecked: bool) -> Answer:
    body, status, headers = (*given, None, None)[:3] if isinstance(given, tuple) else (given, None, None)
    return Answer(body, status, headers or {}, unchecked)


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def _is_meant(call: Call, matching: Mapping[str, Any]) -> bool:
    for name, value in matching.items():
        seen = call.body if name == BODY and BODY not in call.parameters else call.parameters.get(name)
        if not _fits(value, seen):
            return False
    return True


def _fits(wanted: Any, seen: Any) -> bool:
    """Tell whether a value is what is wanted: objects may have more than that, and texts stand for typed values."""
    if isinstance(wanted, dict) and isinstance(seen, dict):
        return all(name in seen and _fits(value, seen[name]) for name, value in wanted.items())
    return bool(wanted == seen) or (isinstance(wanted, str) and str(seen) == wanted)
