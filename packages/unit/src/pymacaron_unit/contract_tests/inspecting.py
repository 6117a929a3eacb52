"""Sends calls, checks the answers, and makes each fault small before it is kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from .call import ABSENT
from .checks import check
from .failures import Failure, Failures, Fault, Step
from .links import evaluate
from .reducing import reduce
from .seeds import path_of
from .sending import NoAnswer
from .validity import Judge

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from pymacaron.contract import Operation

    from ..contracts import Contract
    from ..response import Response
    from .call import Call
    from .sending import Sender


@dataclass(frozen=True)
class Made:
    """Something that an earlier call made: how it was made, and where a later path takes its values from."""

    step: Step
    bound: Mapping[str, str]


@dataclass
class Inspector:
    """Sends calls of the operations of contracts, and keeps the faults of their answers.

    Args:
        sender: sends.
        failures: what is found is kept there.
        enabled: false alarms that are switched on.

    Attributes:
        succeeded: how often each operation answered with success.
    """

    sender: Sender
    failures: Failures
    enabled: Collection[str] = ()
    succeeded: Counter[str] = field(default_factory=Counter)
    _judges: dict[tuple[str, str], Judge] = field(default_factory=dict)

    def judge(self, contract: Contract, operation: Operation) -> Judge:
        """Return what tells whether requests of an operation are valid."""
        key = (contract.name, operation.name)
        if key not in self._judges:
            self._judges[key] = Judge(contract, operation)
        return self._judges[key]

    def try_call(
        self, contract: Contract, operation: Operation, call: Call, made_invalid: bool = False, made: Made | None = None
    ) -> Response | None:
        """Send a call and check its answer; return the answer.

        Args:
            made_invalid: whether the call was made to be invalid.
            made: where the path's values come from.
        """
        judge = self.judge(contract, operation)

        def faults(call: Call, response: Response) -> list[Fault]:
            wrong = judge.faults(call)
            return [] if wrong is None else list(check(operation, call, response, wrong, made_invalid, self.enabled))

        earlier = (made.step,) if made else ()
        last = Step(contract, operation, call, made.bound if made else {})
        return self.tell((*earlier, last), faults)

    def tell(
        self, steps: tuple[Step, ...], faults: Callable[[Call, Response], Sequence[Fault]], reducible: bool = True
    ) -> Response | None:
        """Send the last of some calls, check its answer, and keep each fault that is new, with the smallest call."""
        last = steps[-1]
        response, found = self._answer(last, faults)
        for fault in found:
            if not self.failures.knows(last.operation, fault):
                self.failures.add(self._smallest(Failure(fault, steps, response), faults, reducible))
        return response

    def _answer(
        self, step: Step, faults: Callable[[Call, Response], Sequence[Fault]]
    ) -> tuple[Response | None, Sequence[Fault]]:
        try:
            response = self.sender.send(step.contract, step.operation, step.call)
        except NoAnswer as error:
            return None, [] if self.sender.budget.is_spent else [Fault("no_answer", "", str(error), reducible=False)]
        except ValueError:
            return None, []  # No client could send this.
        self.succeeded[step.operation.name] += 200 <= response.status < 300
        return response, faults(step.call, response)

    def _smallest(
        self, failure: Failure, faults: Callable[[Call, Response], Sequence[Fault]], reducible: bool
    ) -> Failure:
        """Repeat a failure with smaller and smaller calls."""
        if not (reducible and failure.fault.reducible) or self.sender.budget.is_spent:
            return failure
        shown: dict[Call, tuple[tuple[Step, ...], Response | None]] = {}

        def shows(call: Call) -> bool:
            if self.sender.budget.is_spent:
                return False
            steps = self.rebuilt((*failure.steps[:-1], replace(failure.steps[-1], call=call)))
            if steps is None:
                return False
            response, found = self._answer(steps[-1], faults)
            shown[call] = (steps, response)
            return any((each.check, each.location) == (failure.fault.check, failure.fault.location) for each in found)

        call = failure.steps[-1].call
        if not shows(call):
            failure.repeatable = False
            return failure
        smallest = reduce(call, shows)
        steps, response = shown[smallest]
        said = self._answered_with(failure.fault, steps[-1], response, faults)
        return replace(failure, steps=steps, response=response, fault=said)

    def _answered_with(
        self,
        fault: Fault,
        step: Step,
        response: Response | None,
        faults: Callable[[Call, Response], Sequence[Fault]],
    ) -> Fault:
        """Return a fault as it is told of the smallest call."""
        found = faults(step.call, response) if response is not None else ()
        same = [each for each in found if (each.check, each.location) == (fault.check, fault.location)]
        return same[0] if same else fault

    def rebuilt(self, steps: tuple[Step, ...]) -> tuple[Step, ...] | None:
        """Make anew what the last call needs; return the calls with the new values, None where that failed."""
        if not steps[-1].bound:
            return steps
        first = steps[0]
        try:
            response = self.sender.send(first.contract, first.operation, first.call)
        except NoAnswer:
            return None
        return self.bind(steps, response)

    def bind(self, steps: tuple[Step, ...], response: Response) -> tuple[Step, ...] | None:
        """Put the values of the first call's answer into the paths of the others; None where it lacks one."""
        made = [steps[0]]
        for step in steps[1:]:
            path = bound_path(steps[0], step, response)
            if path is None:
                return None
            made.append(replace(step, call=replace(step.call, path=path)))
        return tuple(made)


def bound_path(first: Step, step: Step, response: Response) -> str | None:
    """Return the path of a later call; None where the first call's answer lacks a value that it needs."""
    match = first.contract.match(first.call.method, first.call.path)
    own = step.contract.match(step.operation.method, step.call.path)
    try:
        body = response.answer.json()
    except ValueError:
        body = ABSENT
    values = dict(own.values) if own is not None else {}
    for name, expression in step.bound.items():
        found = evaluate(expression, first.call, match.values if match else {}, response.headers, body)
        if found is ABSENT or isinstance(found, (dict, list, bool)) or found in (None, ""):
            return None
        values[name] = str(found)
    try:
        return path_of(step.contract, step.operation, values)
    except KeyError:
        return None
