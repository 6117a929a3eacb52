"""The pytest plugin: the fixtures ``api``, ``api_stub`` and ``eventually``, targets, and contract coverage.

What needs a contract is imported when a contract is at hand, so that any HTTP API can be tested without PyMacaron.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .api import Api
from .exceptions import TargetError
from .polling import eventually as wait_for
from .session import CoverageOptions, TestSession
from .stub.fixtures import api_stub, pytest_runtest_call  # noqa: F401  # pytest finds them here

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from .channel import Channel

SESSION = pytest.StashKey[TestSession]()
_SHOWN_CALLS = 3


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options ``--pym-…`` and the settings of the same names."""
    group = parser.getgroup("pymacaron", "black-box tests of an HTTP API (pymacaron-unit)")
    group.addoption(
        "--pym-target",
        metavar="app|URL|FOLDER|IMAGE",
        help="what is tested: the app in this process, a URL, a service's folder or a container image"
        " (default: $PYM_TARGET, $PYM_SERVER_HOST, else app where there is a server.py)",
    )
    group.addoption(
        "--pym-contract",
        metavar="FILE",
        action="append",
        help="an OpenAPI contract of the service, or a folder of them; may be given several times"
        " (default: those that the target tells)",
    )
    group.addoption("--pym-no-check", action="store_true", help="do not check answers against the contract")
    group.addoption("--pym-no-ssl-check", action="store_true", help="take any certificate of the target")
    group.addoption("--pym-cov", action="store_true", help="measure what of the contract the tests exercise")
    group.addoption(
        "--pym-cov-report",
        metavar="table|full|json:FILE|html:FOLDER",
        action="append",
        help="how coverage is reported; may be given several times (default: table)",
    )
    group.addoption(
        "--pym-cov-fail-under", metavar="PERCENT", type=float, help="fail where less of the contract is exercised"
    )
    group.addoption("--pym-cov-append", action="store_true", help="add to the coverage of earlier runs")
    parser.addini("pym_target", "what is tested; as --pym-target")
    parser.addini("pym_contract", "contracts of the service; as --pym-contract", type="paths")
    parser.addini("pym_cov_fail_under", "percent of the contract that must be exercised")


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the session; nothing is started before a test asks for it."""
    config.stash[SESSION] = session = TestSession(
        target=config.getoption("pym_target") or config.getini("pym_target") or None,
        root=config.rootpath,
        contracts=config.getoption("pym_contract") or [str(path) for path in config.getini("pym_contract")],
        check=not config.getoption("pym_no_check"),
        verify=not config.getoption("pym_no_ssl_check"),
        coverage=_coverage_options(config),
    )
    session.begin()


def _coverage_options(config: pytest.Config) -> CoverageOptions | None:
    under = config.getoption("pym_cov_fail_under")
    if under is None and config.getini("pym_cov_fail_under"):
        under = float(config.getini("pym_cov_fail_under"))
    reports = config.getoption("pym_cov_report") or []
    if not (config.getoption("pym_cov") or reports or under is not None):
        return None
    worker: dict[str, Any] | None = getattr(config, "workerinput", None)
    folder = Path(worker["pym_coverage"]) if worker else config.rootpath / ".pym" / "coverage"
    keep = worker is not None or config.getoption("pym_cov_append")
    return CoverageOptions(folder, reports or ["table"], under, keep)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of xdist where coverage is kept."""
    options = node.config.stash[SESSION].coverage
    if options is not None:
        node.workerinput["pym_coverage"] = str(options.folder)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop what was started, keep the coverage, and fail where it is too low."""
    own = session.config.stash[SESSION]
    own.end()
    if own.coverage is not None and not hasattr(session.config, "workerinput"):
        own.combine()
        if own.too_low() and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Report the coverage of the contract."""
    own = config.stash[SESSION]
    lines = own.report()
    if lines:
        terminalreporter.section("contract coverage")
        for line in lines:
            terminalreporter.write_line(line, red=line.startswith("FAIL"))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind, however the session ended."""
    own = config.stash.get(SESSION, None)
    if own is not None:
        own.end()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the last calls of a test that failed."""
    report = yield
    own = item.config.stash[SESSION]
    if report.failed and own.channel_if_open is not None:
        shown = str(report.longrepr)
        texts = [call.transcript() for call in list(own.channel_if_open.calls)[-_SHOWN_CALLS:]]
        texts = [text for text in texts if text not in shown]
        if texts and report.when == "call":
            report.sections.append(("calls of this test, the last one below", "\n\n".join(texts)))
    return report


@pytest.fixture(scope="session")
def pym_channel(request: pytest.FixtureRequest) -> Channel:
    """The way to the service under test, opened when the first test asks for it."""
    return request.config.stash[SESSION].channel()


@pytest.fixture
def api(request: pytest.FixtureRequest) -> Iterator[Api]:
    """Call the service under test; see :class:`pymacaron_unit.Api`."""
    own = request.config.stash[SESSION]
    try:
        channel = own.channel()
    except TargetError as error:
        pytest.fail(str(error), pytrace=False)
    channel.calls.clear()
    with ExitStack() as cleanups:
        yield Api(channel, own.token, cleanups=cleanups)


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """Wait until something comes true: ``eventually(lambda: ..., within=5)``."""
    return wait_for
