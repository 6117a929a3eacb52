"""What was found: each fault once, with what the contract says, what came, and how to repeat it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pymacaron.spec import describe_place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pymacaron.contract import Operation

    from ..contracts import Contract
    from ..response import Response
    from .call import Call

#: What is checked, in the order of reports.
CHECKS = {
    "server_error": "no request may be answered with 5xx",
    "no_answer": "every request is answered in time",
    "operation_missing": "an operation that the contract declares is there",
    "undeclared_status": "the status is one that the operation declares",
    "undeclared_content_type": "the content type is one that the response declares",
    "undeclared_body": "a response without content has no body",
    "response_body": "the body follows the response's schema",
    "missing_header": "a required header is sent",
    "response_header": "a header follows its schema",
    "invalid_accepted": "a request that breaks the contract is refused with 4xx",
    "valid_refused": "a request that follows the contract is not refused with 400 or 422",
    "method_accepted": "a method that a path does not have is refused with 405",
    "allow_header": "a refusal with 405 lists the path's methods in Allow (RFC 9110, section 15.5.6)",
    "no_token_accepted": "without a credential the answer is 401",
    "garbage_token_accepted": "with a credential that is none the answer is 401",
    "scopes_ignored": "with a token that lacks the scopes the answer is 403",
    "token_refused": "with the credential that the contract asks for, if any, the answer is not 401",
    "resource_unavailable": "what was created is there",
    "use_after_delete": "what was deleted is gone",
}


@dataclass(frozen=True)
class Step:
    """One call of a failure's story.

    Attributes:
        bound: values of the path that come from the first step's answer: expressions by parameter.
    """

    contract: Contract
    operation: Operation
    call: Call
    bound: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """In what one answer is wrong: which check, where, and what is to be said.

    Attributes:
        reducible: whether a smaller request that shows it shows the same.
        expects: what a regression test asserts, as Python about ``answer``, where the check alone does not say.
    """

    check: str
    location: str
    says: str
    reducible: bool = True
    expects: str | None = None


@dataclass
class Failure:
    """One fault of one operation.

    Attributes:
        steps: the calls that lead to it; the last one shows it.
        response: the answer of the last call; None where there was none.
        repeatable: whether it showed again when the calls were repeated.
        times: how often it was met.
    """

    fault: Fault
    steps: tuple[Step, ...]
    response: Response | None
    repeatable: bool = True
    times: int = 1

    @property
    def operation(self) -> Operation:
        """The operation that is wrong."""
        return self.steps[-1].operation

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes two failures the same one."""
        return self.operation.name, self.fault.check, self.fault.location

    @property
    def title(self) -> str:
        """One line that names it."""
        operation = self.operation
        where = f", {self.fault.location}" if self.fault.location else ""
        return f"{self.fault.check}: {operation.name} ({operation.method.upper()} {operation.path}){where}"

    def describe(self) -> str:
        """Return the failure as text: the contract's place, the fault, and the call with its ``curl`` line."""
        lines = [
            self.title,
            f"contract: {describe_place(self.operation.place)}: {CHECKS[self.fault.check]}",
            f"seen: {self.fault.says}",
        ]
        if not self.repeatable:
            lines.append(f"it came {self.times} times, but not when the calls were repeated")
        earlier = " -> ".join(f"{step.call.method} {step.call.path}" for step in self.steps[:-1])
        if earlier:
            lines.append(f"after: {earlier}")
        if self.response is not None:
            lines += self.response.transcript().splitlines()
        return "\n".join(lines)


class Failures:
    """All failures of a run, the same one kept once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str], Failure] = {}

    def add(self, failure: Failure) -> None:
        """Keep a failure."""
        self._found[failure.key] = failure

    def knows(self, operation: Operation, fault: Fault) -> bool:
        """Tell whether a fault was found before, and count it."""
        found = self._found.get((operation.name, fault.check, fault.location))
        if found is not None:
            found.times += 1
        return found is not None

    def all(self) -> list[Failure]:
        """Return the failures by operation, the gravest check first."""
        order = list(CHECKS)
        return sorted(self._found.values(), key=lambda each: (each.operation.name, order.index(each.fault.check)))

    def of(self, operation: Operation) -> int:
        """Return how many faults an operation has."""
        return sum(each.operation.name == operation.name for each in self._found.values())

    def __len__(self) -> int:
        return len(self._found)
