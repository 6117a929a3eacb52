"""What calls exercise of the contracts, recorded while a suite runs. Needs pymacaron."""

from __future__ import annotations

from collections import Counter
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .answered import answered
from .operations import ContractKeys
from .sent import sent
from .store import Recording, exercised, write

if TYPE_CHECKING:
    from pathlib import Path

    from ..contracts import Contracts
    from ..response import Response

#: So many different calls that belong to no contract are kept.
_MAX_STRANGERS = 1000


class Recorder:
    """Records what each call exercised. Safe to use from several threads.

    Only what follows the contract counts: a body that breaks its schema exercises nothing of it, a parameter that
    cannot be read was not sent.

    Args:
        contracts: those of the service under test.
    """

    def __init__(self, contracts: Contracts) -> None:
        self.contracts = contracts
        self._keys = {contract.name: ContractKeys(contract) for contract in contracts}
        self._hits: dict[str, Counter[str]] = {contract.name: Counter() for contract in contracts}
        self._undeclared: dict[str, Counter[str]] = {contract.name: Counter() for contract in contracts}
        self._strangers: Counter[str] = Counter()
        self._lock = Lock()

    def record(self, response: Response) -> None:
        """Mark what a call exercised: its request as it was sent, and the answer to it.

        A body that is still to be read as a stream is left alone, and marks nothing.
        """
        match = response.match or self.contracts.match(response.request.method or "", response.request.url or "")
        if match is None or match.contract.name not in self._keys:
            self._record_stranger(response)
            return
        name = match.contract.name
        keys = self._keys[name].operation(match.operation)
        marks = sent(keys, response.request, match.values) | answered(keys, response)
        with self._lock:
            self._hits[name].update(marks)
            if keys.declared(response.status) is None:
                self._undeclared[name][f"{match.operation.name} {response.status}"] += 1

    def _record_stranger(self, response: Response) -> None:
        call = f"{response.request.method} {urlsplit(response.request.url or '').path[:200]}"
        with self._lock:
            if call in self._strangers or len(self._strangers) < _MAX_STRANGERS:
                self._strangers[call] += 1

    def recording(self) -> Recording:
        """Return what was recorded up to now."""
        with self._lock:
            contracts = {
                contract.name: exercised(contract, self._hits[contract.name], self._undeclared[contract.name])
                for contract in self.contracts
            }
            return Recording.of(contracts, self._strangers)

    def save(self, folder: str | Path) -> Path:
        """Write what was recorded as a new file in a folder, which is made where it is missing; return its path."""
        return write(self.recording(), folder)
