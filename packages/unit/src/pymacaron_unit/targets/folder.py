"""The service in a folder as the target: ``pym run`` is started there."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ..exceptions import TargetError
from .kept import KeptTarget
from .process import KeptProcess, free_port, is_taken
from .tokens import folder_signer
from .waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ..contracts import Contracts

_TRIES = 3


class FolderTarget(KeptTarget):
    """A service that is started from its folder, on a free port of 127.0.0.1.

    Args:
        folder: where ``server.py`` and pym-config stand.
        contract_files: its contracts.
        port: to listen on; a free one where it is None.
        patience: seconds that it may take until it answers.

    Raises:
        TargetError: the folder holds no service.
    """

    def __init__(
        self,
        folder: Path,
        contract_files: Iterable[str | Path] = (),
        port: int | None = None,
        patience: float = PATIENCE,
    ) -> None:
        super().__init__(contract_files, patience)
        self.folder = folder.resolve()
        self.port = port
        self._signer = folder_signer(self.folder)
        check_service(self.folder)

    def describe(self) -> str:
        """Name the service."""
        return f"the service in {self.folder}"

    def start(self) -> None:
        """Start the service and wait until it answers.

        Raises:
            TargetError: it ended, or does not answer; the message has the end of its log.
        """
        for left in reversed(range(_TRIES)):
            port = self.port or free_port()
            try:
                self._start(port)
            except BaseException as error:
                self.stop()
                # Between choosing a port and listening on it, another process may have taken it.
                lost = self.port is None and isinstance(error, TargetError) and is_taken(port)
                if not lost or not left:
                    raise
            else:
                return

    def _start(self, port: int) -> None:
        self.base_url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "pymacaron.cli", "run", "--no-reload", "--no-debug", "--port", str(port)]
        self.process = KeptProcess(self.describe(), command, self.folder, {"PYTHONUNBUFFERED": "1"})
        self.process.start()
        self.wait(self.process)

    def find_contracts(self) -> Contracts:
        """Return the contracts in the folder that pym-config names."""
        return folder_contracts(self.folder)

    def token(
        self, user_id: str | None, scopes: Iterable[str] = (), data: Any = None, expire_in: float | None = None
    ) -> str:
        """Make a token with the service's own configuration, also where its key is one of development."""
        return self._signer.token(user_id, scopes, data, expire_in)


def is_service(folder: Path) -> bool:
    """Tell whether a folder holds a service."""
    return (folder / "server.py").is_file() and any(folder.glob("pym-config*.yaml"))


def check_service(folder: Path) -> None:
    """Refuse a folder that holds no service.

    Raises:
        TargetError: server.py or pym-config is missing.
    """
    if not is_service(folder):
        missing = "server.py" if not (folder / "server.py").is_file() else "pym-config.yaml"
        raise TargetError(f"{folder} holds no service: there is no {missing}; give the folder that it stands in")


def folder_contracts(folder: Path) -> Contracts:
    """Return the contracts of the service in a folder, with the prefix that pym-config gives their paths.

    Raises:
        TargetError: pym-config or the folder of contracts is wrong.
    """
    from pymacaron.config import Config, find_config, load_config
    from pymacaron.exceptions import StartError
    from pymacaron.spec import find_contracts, load_contract

    from ..contracts import Contract, Contracts

    try:
        path = find_config(folder)
        config = load_config(path) if path is not None else Config()
        found = find_contracts(folder / config.apis)
        prefix = "" if config.ignore_base_path else None
        return Contracts(Contract(load_contract(file, name), prefix=prefix) for name, file in found.items())
    except StartError as error:
        raise TargetError(f"{folder}: its contracts cannot be read: {error}") from None
