"""Whether answers are what the contract says: of some, and only when the load is over, so that it is not slowed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from io import BytesIO
from random import Random
from typing import TYPE_CHECKING

import requests
from requests.structures import CaseInsensitiveDict

from ..response import Response

if TYPE_CHECKING:
    from ..contracts import Contracts
    from .outcome import Outcome

#: Answers that are kept of each operation and status, by chance among all.
EACH = 20
_LARGEST = 1_000_000


@dataclass(frozen=True)
class Samples:
    """What the check of samples found.

    Attributes:
        answers: that there were.
        checked: of them.
        invalid: of those that were checked.
        faults: what is wrong, with how often it was found.
    """

    answers: int
    checked: int
    invalid: int
    faults: dict[str, int]


class Sampler:
    """Keeps some answers of each operation and status (reservoir sampling: each has the same chance).

    Args:
        contracts: of the service.
        each: how many are kept of an operation and a status; those of more than a megabyte never are.
        seed: of the chance.
    """

    def __init__(self, contracts: Contracts, each: int = EACH, seed: int = 0) -> None:
        self._contracts = contracts
        self._each = each
        self._random = Random(seed)
        self._seen: Counter[tuple[str, int]] = Counter()
        self._kept: dict[tuple[str, int], list[Outcome]] = {}

    def offer(self, outcome: Outcome) -> None:
        """Keep an answer, or not."""
        if outcome.answer.status is None:
            return
        key = (outcome.call.operation, outcome.answer.status)
        self._seen[key] += 1
        kept = self._kept.setdefault(key, [])
        if len(outcome.answer.body) > _LARGEST:
            return
        if len(kept) < self._each:
            kept.append(outcome)
        elif (place := self._random.randrange(self._seen[key])) < self._each:
            kept[place] = outcome

    def check(self) -> Samples:
        """Check the answers that were kept."""
        from ..checking import faults

        checked = [outcome for kept in self._kept.values() for outcome in kept]
        found: Counter[str] = Counter()
        invalid = 0
        for outcome in checked:
            wrong = list(dict.fromkeys(faults(self._response(outcome))))
            invalid += bool(wrong)
            found.update(f"{outcome.call.operation}, status {outcome.answer.status}: {fault}" for fault in wrong)
        return Samples(self._seen.total(), len(checked), invalid, dict(found.most_common()))

    def _response(self, outcome: Outcome) -> Response:
        call, answer = outcome.call, outcome.answer
        made = requests.Response()
        made.status_code = answer.status or 0
        made.url = call.url
        made.raw = BytesIO(answer.body)
        made.headers = CaseInsensitiveDict()
        for name, value in answer.headers:
            made.headers[name] = f"{made.headers[name]}, {value}" if name in made.headers else value
        made.request = requests.Request(call.method, call.url, dict(call.headers), data=call.body).prepare()
        return Response(made, self._contracts.match(call.method, call.url))
