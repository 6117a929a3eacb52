"""Sends calls within the time that is left."""

from __future__ import annotations

import time
from io import BytesIO
from typing import TYPE_CHECKING, Protocol

import requests
from urllib3.exceptions import HTTPError

from ..exceptions import TargetError
from ..response import Response

if TYPE_CHECKING:
    from pymacaron.contract import Operation

    from ..contracts import Contract, Contracts
    from .call import Call
    from .credentials import Credentials

#: Seconds that one answer may take.
PATIENCE = 10.0
_PIECE = 65536
_LARGEST = 64 * 1024 * 1024
# Connections that fail in a row before the target counts as gone.
_GONE = 5


class Target(Protocol):
    """What is tested; see :mod:`pymacaron_unit.targets`."""

    base_url: str

    def session(self) -> requests.Session:
        """Return a session that reaches the target."""

    def contracts(self) -> Contracts | None:
        """Return the contracts that it serves, where they are known."""

    def token(self, user_id: str, scopes: list[str]) -> str:
        """Return a token of a user; raises TargetError where it can make none."""

    def describe(self) -> str:
        """Name the target for messages."""


class Budget:
    """Time that may be spent, in seconds from now on."""

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.end - time.monotonic()

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left."""
        return self.left <= 0


class NoAnswer(Exception):
    """A call was not answered."""


class Sender:
    """Sends calls to a target.

    Attributes:
        count: of calls that were sent.
    """

    def __init__(self, target: Target, contracts: Contracts, credentials: Credentials, budget: Budget) -> None:
        self.target = target
        self.contracts = contracts
        self.credentials = credentials
        self.budget = budget
        self.count = 0
        self._failed = 0
        self._answered = False

    def send(self, contract: Contract, operation: Operation, call: Call) -> Response:
        """Send a call with the credential of its operation.

        Raises:
            NoAnswer: nothing came back; the message says why.
            TargetError: nothing comes back any more.
        """
        signed = self.credentials.sign(contract, operation, call)
        session = self.target.session()
        session.cookies.clear()
        prepared = signed.prepare(self.target.base_url)
        limit = max(0.5, min(PATIENCE, self.budget.left))
        self.count += 1
        end = time.monotonic() + limit
        try:
            answer = session.send(prepared, timeout=limit, allow_redirects=False, stream=True)
            read_until(answer, end)
        except requests.RequestException as error:
            self._note(error)
            raise NoAnswer(f"{type(error).__name__}: {error}") from error
        except Exception as error:
            # An app in this process whose `testing` is set raises what it would answer 500 to.
            raise NoAnswer(f"the app raised {type(error).__name__}: {error}") from error
        self._failed, self._answered = 0, True
        return Response(answer, self.contracts.match(call.method, call.path))

    def _note(self, error: requests.RequestException) -> None:
        if isinstance(error, requests.ConnectionError):
            self._failed += 1
            if not self._answered:
                raise TargetError(f"nothing answers at {self.target.base_url}: {error}") from error
            if self._failed >= _GONE:
                raise TargetError(f"{self.target.describe()} does not answer any more: {error}") from error


def read_until(answer: requests.Response, end: float) -> None:
    """Read the body of an answer, piece by piece, so that one that never ends cannot hold the run.

    Of a stream of events, what has come is its body.

    Args:
        answer: its body is unread.
        end: by :func:`time.monotonic`, when it must be there.

    Raises:
        requests.RequestException: it breaks off, takes too long or is too large.
    """
    raw, pieces, size = answer.raw, [], 0
    try:
        while piece := raw.read1(_PIECE, decode_content=True):
            pieces.append(piece)
            size += len(piece)
            if time.monotonic() > end or size > _LARGEST:
                answer.close()
                if answer.headers.get("Content-Type", "").startswith("text/event-stream"):
                    break
                raise requests.ReadTimeout(f"its body did not end; {size} bytes came")
    except HTTPError as error:
        raise requests.ConnectionError(error) from error
    raw.release_conn()
    answer.raw = BytesIO(b"".join(pieces))
    answer.content  # noqa: B018  # read, and kept, from what stands in `raw` now
