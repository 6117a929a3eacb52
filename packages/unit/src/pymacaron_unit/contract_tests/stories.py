"""Calls that follow from one another: create a thing, use it, delete it, and see that it is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .failures import Fault, Step
from .inspecting import Made, bound_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ..contracts import Contract
    from ..response import Response
    from .call import Call
    from .inspecting import Inspector
    from .links import Link

_GONE = (404, 410)
_ORDER = ("GET", "HEAD", "PUT", "PATCH", "POST", "DELETE")


class Stories:
    """Tells the stories of one producer.

    Args:
        inspector: sends and checks.
        contract: of the operations.
        links: that start at one producer.
        valid_calls: gives valid calls of an operation, the simplest first.
    """

    def __init__(
        self,
        inspector: Inspector,
        contract: Contract,
        links: Sequence[Link],
        valid_calls: Callable[[str], Iterable[Call]],
    ) -> None:
        self.inspector = inspector
        self.contract = contract
        self.producer = links[0].producer
        self.links = sorted(links, key=lambda link: _ORDER.index(link.consumer.method.upper()))
        self.valid_calls = valid_calls

    def tell(self) -> dict[str, tuple[Made, str]]:
        """Make a thing, use it and delete it; return what was made for later calls, with its path, by consumer."""
        made = self.create()
        if made is None:
            return {}
        step, response = made
        for link in self.links:
            if link.consumer.method.upper() != "DELETE":
                self._use(step, response, link)
        for link in self.links:
            if link.consumer.method.upper() == "DELETE":
                self._delete(step, response, link)
        return self._alive()

    def create(self) -> tuple[Step, Response] | None:
        """Call the producer until it answers with success."""
        for call in self.valid_calls(self.producer.name):
            if self.inspector.sender.budget.is_spent:
                return None
            response = self.inspector.try_call(self.contract, self.producer, call)
            if response is not None and 200 <= response.status < 300:
                return Step(self.contract, self.producer, call), response
        return None

    def _follow(self, first: Step, response: Response, link: Link) -> Step | None:
        """Return the call that a link leads to."""
        if link.status not in (None, str(response.status), "default", f"{response.status // 100}XX"):
            return None
        for call in self.valid_calls(link.consumer.name):
            step = Step(self.contract, link.consumer, call, link.parameters)
            bound = self.inspector.bind((first, step), response)
            return bound[1] if bound is not None else None
        return None

    def _use(self, first: Step, response: Response, link: Link) -> None:
        step = self._follow(first, response, link)
        if step is None:
            return

        def faults(_: Call, answer: Response) -> list[Fault]:
            if answer.status not in _GONE or not _is_the_thing(link):
                return []
            return [
                Fault("resource_unavailable", "", f"what {self.producer.name} created is answered with {answer.status}")
            ]

        self.inspector.tell((first, step), faults)
        self.inspector.try_call(self.contract, link.consumer, step.call, made=Made(first, link.parameters))

    def _delete(self, first: Step, response: Response, link: Link) -> None:
        step = self._follow(first, response, link)
        if step is None:
            return
        made = Made(first, link.parameters)
        answer = self.inspector.try_call(self.contract, link.consumer, step.call, made=made)
        if answer is None or not 200 <= answer.status < 300:
            return

        def faults(_: Call, answer: Response) -> list[Fault]:
            if not 200 <= answer.status < 300:
                return []
            return [Fault("use_after_delete", "", f"after {link.consumer.name} it is answered with {answer.status}")]

        for other in self.links:
            used = self._follow(first, response, other) if other.consumer.method.upper() == "GET" else None
            if used is not None and used.call.path == step.call.path:
                self.inspector.tell((first, step, used), faults, reducible=False)

    def _alive(self) -> dict[str, tuple[Made, str]]:
        """Make another thing, which stays."""
        again = self.create()
        if again is None:
            return {}
        step, response = again
        made = {}
        for link in self.links:
            used = self._follow(step, response, link)
            path = bound_path(step, used, response) if used is not None else None
            if path is not None and link.consumer.method.upper() != "DELETE":
                made[link.consumer.name] = (Made(step, link.parameters), path)
        return made


def _is_the_thing(link: Link) -> bool:
    """Tell whether a link leads to what was made, and not to a part of it that may be made later."""
    return link.status is not None or link.consumer.path.endswith("}")
