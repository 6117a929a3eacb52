"""What targets that are started in a process beside the tests have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..exceptions import TargetError
from .target import Target
from .waiting import PATIENCE, wait_for_ping

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from .process import KeptProcess


class KeptTarget(Target):
    """A target in a process that is started and stopped with it.

    Args:
        contract_files: its contracts.
        patience: seconds that it may take until it answers.

    Attributes:
        process: None where it is not started.
    """

    def __init__(self, contract_files: Iterable[str | Path] = (), patience: float = PATIENCE) -> None:
        super().__init__(contract_files=contract_files)
        self.patience = patience
        self.process: KeptProcess | None = None

    def wait(self, process: KeptProcess, hint: str = "") -> None:
        """Wait until a process that was started answers.

        Args:
            hint: follows the reason in the message where it does not.

        Raises:
            TargetError: it ended, or does not answer; the message has the end of its log.
        """
        try:
            wait_for_ping(self, self.patience, process.check)
        except TargetError as error:
            if str(error).startswith(process.name):
                raise
            raise TargetError(f"{self.describe()}: {error}{hint}. Its log{process.tail()}") from None

    def stop(self) -> None:
        """Stop the process and everything that it started."""
        super().stop()
        if self.process is not None:
            self.process.stop()
            self.process = None
