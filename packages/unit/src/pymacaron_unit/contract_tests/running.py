"""The course of a run: each operation's probes and examples, the stories, the bounds, and then random requests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from .false_alarms import is_false_alarm
from .links import find_links
from .probes import probe_method, probe_token
from .stories import Stories

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pymacaron.contract import Operation

    from ..contracts import Contract
    from .call import Call
    from .generating import Draft, Drafts
    from .inspecting import Inspector, Made
    from .links import Link
    from .seeds import Seeds

_SLICE = 25
_BATCH = 10
_VALID = 4
# Of the time, what may have passed before random requests start.
_BOUNDS_SHARE = 0.75


@dataclass(frozen=True)
class Subject:
    """An operation that is tested."""

    contract: Contract
    operation: Operation
    drafts: Drafts

    @property
    def label(self) -> str:
        """Its method and path."""
        return f"{self.operation.method.upper():6} {self.contract.path(self.operation)}"


class Run:
    """One run over some operations.

    Args:
        subjects: what is tested.
        inspector: sends and checks.
        seeds: values that cannot be made up.
        examples: how many random requests each operation gets at most.
        echo: prints a line of progress.

    Attributes:
        notes: what kept something from being tested.
    """

    def __init__(
        self, subjects: list[Subject], inspector: Inspector, seeds: Seeds, examples: int, echo: Callable[[str], None]
    ) -> None:
        self.subjects = subjects
        self.inspector = inspector
        self.seeds = seeds
        self.examples = examples
        self.echo = echo
        self.notes: list[str] = []
        self.seconds = inspector.sender.budget.left
        self._alive: dict[str, tuple[Made, str]] = {}
        self._drafts: dict[str, list[Draft]] = {}
        self._sent: set[tuple[str, Call]] = set()

    def run(self) -> None:
        """Do all of it, as far as the time goes."""
        self.subjects = [each for each in self.subjects if self._each("probes", each, self._probe)]
        for subject in self.subjects:
            self._each("examples", subject, self._examples)
        self._stories()
        self._bounds()
        self._random()

    @property
    def is_over(self) -> bool:
        """Whether the time is spent."""
        return self.inspector.sender.budget.is_spent

    def _each(self, phase: str, subject: Subject, function: Callable[[Subject], bool]) -> bool:
        """Do one thing with one operation, and say so."""
        if self.is_over:
            return True
        before, found = self.inspector.sender.count, self.inspector.failures.of(subject.operation)
        result = function(subject)
        count, more = self.inspector.sender.count - before, self.inspector.failures.of(subject.operation) - found
        if count:
            self.echo(f"{phase:9} {subject.label}  {count} calls{f', {more} new failures' if more else ''}")
        return result

    def valid_calls(self, subject: Subject) -> Iterator[Call]:
        """Yield some valid calls of an operation, the simplest first, each with seeds of its own."""
        name = subject.operation.name
        judge = self.inspector.judge(subject.contract, subject.operation)
        if name not in self._drafts:
            plain = subject.drafts.plain(subject.contract, subject.operation)
            self._drafts[name] = [*plain, *subject.drafts.examples(subject.operation)]
        for draft in self._drafts[name]:
            call = self._filled(subject, draft)
            if not is_false_alarm(call, self.inspector.enabled) and judge.faults(call) == []:
                yield call

    def _filled(self, subject: Subject, draft: Draft) -> Call:
        return self.seeds.fill(subject.contract, subject.operation, draft.call, draft.wrong)

    def _probe(self, subject: Subject) -> bool:
        """Ask the fixed questions; tell whether the operation can be called further."""
        contract, operation = subject.contract, subject.operation
        call = next(self.valid_calls(subject), None)
        lacking = self.inspector.sender.credentials.can(contract, operation)
        if call is None:
            self.notes.append(
                f"{operation.name}: no valid request could be made; give {operation.name}__body or values"
            )
            return lacking is None
        if lacking is not None:
            self.notes.append(f"{operation.name} was only called without a credential: {lacking}")
        probe_token(self.inspector, contract, operation, call)
        first = next(each for each in self.subjects if each.operation.path == operation.path)
        if first.operation is operation:
            probe_method(self.inspector, contract, operation, call if lacking is None else replace(call, token=False))
        return lacking is None

    def _examples(self, subject: Subject) -> bool:
        """Send the examples, and some requests that are surely valid."""
        self._send(subject, subject.drafts.examples(subject.operation))
        for call in islice(self.valid_calls(subject), _VALID):
            self.inspector.try_call(subject.contract, subject.operation, call)
        return True

    def _stories(self) -> None:
        for contract in dict.fromkeys(each.contract for each in self.subjects):
            known = {each.operation.name: each for each in self.subjects if each.contract is contract}
            links = find_links(contract, next(iter(known.values())).drafts.document)
            for name, subject in known.items():
                own = [link for link in links if link.producer.name == name and link.consumer.name in known]
                if own:
                    self._each("story", subject, partial(self._story, own, known))

    def _story(self, links: list[Link], known: dict[str, Subject], subject: Subject) -> bool:
        """Tell the story of a producer; keep what it made for later requests."""
        stories = Stories(self.inspector, subject.contract, links, lambda name: self.valid_calls(known[name]))
        for name, alive in stories.tell().items():
            self._alive.setdefault(name, alive)
        return True

    def _bounds(self) -> None:
        """Send requests at and beyond each bound, all operations in turn."""
        waiting = [(each, each.drafts.coverage(each.operation)) for each in self.subjects]
        while waiting and self.inspector.sender.budget.left > self.seconds * (1 - _BOUNDS_SHARE):
            left = []
            for subject, drafts in waiting:
                if self._each("bounds", subject, partial(self._send, drafts=islice(drafts, _SLICE))):
                    left.append((subject, drafts))
            waiting = left

    def _random(self) -> None:
        """Send random requests, valid and invalid ones, all operations in turn."""
        for round_ in range(-(-self.examples // (2 * _BATCH))):
            before, found = self.inspector.sender.count, len(self.inspector.failures)
            for subject in self.subjects:
                for valid in (True, False):
                    if not self.is_over:
                        drafts = subject.drafts.random(subject.operation, 2 * round_ + valid, _BATCH, valid=valid)
                        self._send(subject, drafts)
            count, more = self.inspector.sender.count - before, len(self.inspector.failures) - found
            if count:
                self.echo(f"random    round {round_ + 1}  {count} calls{f', {more} new failures' if more else ''}")

    def _send(self, subject: Subject, drafts: Iterable[Draft]) -> bool:
        """Send drafts; tell whether there were any."""
        had = False
        for draft in drafts:
            had = True
            if self.is_over:
                return False
            call, made = self._placed(subject, draft)
            key = (subject.operation.name, call)
            if key in self._sent or is_false_alarm(call, self.inspector.enabled):
                continue
            self._sent.add(key)
            self.inspector.try_call(
                subject.contract, subject.operation, call, made_invalid=bool(draft.wrong), made=made
            )
        return had

    def _placed(self, subject: Subject, draft: Draft) -> tuple[Call, Made | None]:
        """Return a draft's call with values that exist, and where they come from."""
        call = self._filled(subject, draft)
        alive = self._alive.get(subject.operation.name)
        if alive is None or "path" in draft.wrong or call.path != draft.call.path:
            return call, None
        return replace(call, path=alive[1]), alive[0]
