"""A stub of a service: it serves the service's contract in this process, and checks what it is sent."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from difflib import get_close_matches
from typing import TYPE_CHECKING

from pymacaron.client.client import method_name
from pymacaron.exceptions import ServerError
from pymacaron.spec import describe_place

from ..exceptions import ContractBroken, UnitError
from .answers import error_answer
from .operation import StubbedOperation
from .receiving import Receiver
from .redirects import redirected
from .server import StubServer

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from pymacaron.exceptions import RequestError
    from pymacaron.messages import Outgoing

    from ..contracts import Contract
    from .calls import Call
    from .receiving import Received


class ApiStub:
    """A stub of one API; its operations are its attributes, by the names that a client calls them by.

    A request that is not what the contract says is answered with the error that a service made with PyMacaron answers
    it with, and :meth:`verify` tells of it.

    Args:
        contract: what is served.
        port: to listen on, on the loopback interface; a free one where it is 0.
    """

    def __init__(self, contract: Contract, *, port: int = 0) -> None:
        self.contract = contract
        self._port = port
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._troubles: list[str] = []
        self._receiver = Receiver(contract)
        self._server: StubServer | None = None
        self._cleanups = ExitStack()
        self._operations = {
            operation.name: StubbedOperation(contract, operation) for operation in contract.api.operations
        }
        self._aliases = {method_name(operation): operation.name for operation in contract.api.operations}

    @property
    def name(self) -> str:
        """Name of the API."""
        return self.contract.name

    @property
    def url(self) -> str:
        """Where it answers, the contract's base path included: what pym-config's ``services`` has for it.

        Raises:
            UnitError: it does not serve.
        """
        if self._server is None:
            raise UnitError(f"the stub of {self.name!r} does not serve; use it in a with block, or call start()")
        return f"http://127.0.0.1:{self._server.port}{self.contract.prefix}"

    def operation(self, name: str) -> StubbedOperation:
        """Return an operation by its name, or by the name that a client calls it by.

        Raises:
            AttributeError: there is none of that name.
        """
        found = self._operations.get(name) or self._operations.get(self._aliases.get(name, ""))
        if found is None:
            known = [*self._operations, *(alias for alias in self._aliases if alias not in self._operations)]
            close = get_close_matches(name, known, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(known) or 'none'}"
            raise AttributeError(f"the contract of {self.name!r} has no operation {name!r}; {hint}")
        return found

    def __getattr__(self, name: str) -> StubbedOperation:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.operation(name)

    @property
    def calls(self) -> list[Call]:
        """All calls received so far, those to unknown paths included; the first one first."""
        with self._lock:
            return list(self._calls)

    # Serving.

    def start(self) -> Self:
        """Serve, and send the calls of this process to the API here.

        Raises:
            OSError: the port is taken.
        """
        if self._server is None:
            self._server = StubServer(self._serve, self._port)
            self._cleanups.callback(self._stop_server)
            self._cleanups.enter_context(redirected(self.name, self.url))
        return self

    def stop(self) -> None:
        """Stop serving; a second call does nothing."""
        self._cleanups.close()

    def _stop_server(self) -> None:
        if self._server is not None:
            server, self._server = self._server, None
            server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if error is None:
            self.verify()
        elif told := self.broken():
            error.add_note(told)

    def reset(self) -> None:
        """Forget what was programmed, received and demanded."""
        with self._lock:
            self._calls, self._troubles = [], []
        for operation in self._operations.values():
            operation.reset()

    def _serve(self, received: Received) -> tuple[Outgoing | None, float]:
        call, error = self._receiver.receive(received)
        with self._lock:
            self._calls.append(call)
        if call.match is None:
            assert error is not None
            return error_answer(error), 0
        operation = self._operations[call.match.operation.name]
        try:
            return self._reply(operation, call, error, received.header("Accept"))
        except Exception as trouble:  # noqa: BLE001  # conditions are the test's own; verify() tells of it
            with self._lock:
                self._troubles.append(f"  {call.name}: {type(trouble).__name__}: {trouble}")
            return error_answer(ServerError(f"the stub of {self.name} cannot answer: {trouble}")), 0

    def _reply(
        self, operation: StubbedOperation, call: Call, error: RequestError | None, accept: str | None
    ) -> tuple[Outgoing | None, float]:
        reply = operation.receive(call)
        if reply.drops:
            return None, reply.seconds
        if error is not None:
            return error_answer(error), reply.seconds
        return operation.answers.write(reply.answer, accept), reply.seconds

    # The check.

    def verify(self) -> None:
        """Check that every call followed the contract, and that every call demanded was made.

        Raises:
            ContractBroken: one did not, or was not; all are listed, each call with a ``curl`` line that repeats it.
        """
        told = self.broken()
        if told:
            raise ContractBroken(told)

    def broken(self) -> str:
        """Say what :meth:`verify` fails for; nothing where it does not."""
        wrong = [_told(call) for call in self.calls if call.faults]
        unmet = [line for operation in self._operations.values() for line in operation.unmet()]
        with self._lock:
            troubles = list(self._troubles)
        parts = []
        if troubles:
            parts.append(f"the stub of {self.name!r} could not answer:\n" + "\n".join(troubles))
        if wrong:
            parts.append(f"calls to {self.name!r} are not what its contract says:\n" + "\n".join(wrong))
        if unmet:
            parts.append(f"{self.name!r} was not called as expected:\n" + "\n".join(f"  - {line}" for line in unmet))
        return "\n".join(parts)


def _told(call: Call) -> str:
    place = f" ({describe_place(call.match.operation.place)})" if call.match is not None else ""
    faults = "\n".join(f"    - {fault}" for fault in call.faults)
    return f"  {call.name}{place}\n{faults}\n    repeat it with: {call.curl()}"
