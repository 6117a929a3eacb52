"""One run of tests: its target, opened when first needed, its contracts, and what of them it exercised."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import current
from .channel import Channel
from .exceptions import NoContractError, TargetError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .contracts import Contracts
    from .coverage.recording import Recorder
    from .coverage.report import Coverage
    from .targets import Target


@dataclass
class CoverageOptions:
    """How coverage is measured.

    Attributes:
        folder: where each process keeps what it recorded.
        reports: ``table``, ``full``, ``json:FILE`` and ``html:FOLDER``.
        fail_under: percent that must be reached; None for any.
        keep: whether what earlier runs recorded counts too.
    """

    folder: Path
    reports: Sequence[str]
    fail_under: float | None = None
    keep: bool = False


def default_target(root: Path) -> str:
    """Return the target of a run that names none: the environment's, else the app of the folder.

    Raises:
        TargetError: neither is there.
    """
    found = os.environ.get("PYM_TARGET") or current.url_from_environment()
    if found:
        return found
    if (root / "server.py").is_file() or Path("server.py").is_file():
        return "app"
    raise TargetError(
        f"nothing says what is to be tested: {root} has no server.py; give --pym-target app|URL|FOLDER|IMAGE, set"
        " PYM_SERVER_HOST and PYM_SERVER_PORT, or use pym test"
    )


class TestSession:
    """One run of tests.

    Args:
        target: what is tested; None for the default.
        root: folder of the tests' settings.
        contracts: files; empty where the target is asked for them.
        check: whether answers are checked against the contract.
        verify: whether certificates are.
        coverage: None where it is not measured.
    """

    __test__ = False

    def __init__(
        self,
        target: str | None,
        root: Path,
        contracts: Sequence[str] = (),
        check: bool = True,
        verify: bool = True,
        coverage: CoverageOptions | None = None,
    ) -> None:
        self.root = root
        self.coverage = coverage
        self.channel_if_open: Channel | None = None
        self._target_text = target
        self._contract_files = [str(path) for path in contracts]
        self._check = check
        self._verify = verify
        self._target: Target | None = None
        self._recorder: Recorder | None = None
        self._combined: Coverage | None = None

    def begin(self) -> None:
        """Make this the current run, and forget the coverage of earlier ones unless it counts too."""
        current.use(self.channel)
        if self.coverage is not None and not self.coverage.keep:
            for old in self.coverage.folder.glob("*.json"):
                old.unlink()

    def channel(self) -> Channel:
        """Return the way to the target, which is started when first asked for.

        Raises:
            TargetError: the target cannot be found or started.
        """
        if self.channel_if_open is None:
            self.channel_if_open = self._open()
        return self.channel_if_open

    def token(self, user_id: str, scopes: Sequence[str] = (), **claims: Any) -> str:
        """Return a token of a user, made as the target makes them."""
        self.channel()
        assert self._target is not None
        return self._target.token(user_id, scopes, **claims)

    def end(self) -> None:
        """Stop what was started and keep what was recorded; a second call does nothing."""
        current.forget(self.channel)
        if self.channel_if_open is None:
            return
        self.channel_if_open = None
        if self._recorder is not None and self.coverage is not None:
            self._recorder.save(self.coverage.folder)
        if self._target is not None:
            self._target.stop()

    def combine(self) -> None:
        """Put together what all processes of the run recorded."""
        if self.coverage is None:
            return
        from .coverage import combine

        self._combined = combine(self.coverage.folder)

    def too_low(self) -> bool:
        """Tell whether less was exercised than must be; where nothing was recorded, it is."""
        under = self.coverage.fail_under if self.coverage is not None else None
        if under is None:
            return False
        return self._combined is None or not self._combined.contracts or self._combined.percent < under

    def report(self) -> list[str]:
        """Write the reports that were asked for; return what is to be printed."""
        if self.coverage is None or self._combined is None:
            return []
        if not self._combined.contracts:
            return ["FAIL: no test has called the service through api or PyMacaronTestCase: nothing was recorded"]
        lines: list[str] = []
        for report in self.coverage.reports:
            lines += _report(self._combined, report)
        if self.too_low():
            lines.append(f"FAIL: {self._combined.percent:.1f} % is less than {self.coverage.fail_under:g} %")
        return lines

    def _open(self) -> Channel:
        from .targets import open_target

        text = self._target_text or default_target(self.root)
        self._target = target = open_target(text, self._contract_files, verify=self._verify)
        target.start()
        contracts = target.contracts()
        channel = Channel(target, contracts)
        if contracts and self._check:
            from .checking import check

            channel.check = check
        if self.coverage is not None:
            channel.listeners.append(self._record(contracts, text))
        return channel

    def _record(self, contracts: Contracts | None, text: str) -> Any:
        if not contracts:
            raise NoContractError(
                f"the coverage of {text} cannot be measured without its contract; give --pym-contract FILE"
            )
        from .coverage import Recorder

        self._recorder = Recorder(contracts)
        return self._recorder.record


def _report(coverage: Coverage, kind: str) -> list[str]:
    name, _, where = kind.partition(":")
    if name in ("table", "full") and not where:
        return coverage.table(verbose=name == "full").splitlines()
    if name == "json" and where:
        import json

        Path(where).parent.mkdir(parents=True, exist_ok=True)
        Path(where).write_text(json.dumps(coverage.to_json(), indent=2), encoding="utf-8")
        return [f"written: {where}"]
    if name == "html" and where:
        return [f"written: {coverage.write_html(Path(where))}"]
    return [f"FAIL: there is no report {kind!r}; choose table, full, json:FILE or html:FOLDER"]
