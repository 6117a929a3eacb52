"""What developers and CI run. `nox -l` lists the sessions; `python3 tools/dev.py` sets nox up by itself."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import nox
from nox.virtualenv import VirtualEnv

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))

from tools import debian, packages, pythons, results, stamps  # noqa: E402
from tools import minimums as lowest  # noqa: E402 - after the path is set

nox.options.default_venv_backend = "virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = True
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "typing", "docs", "tools", "tests"]

PACKAGES = packages.find(ROOT)
NAMES = [package.name for package in PACKAGES]
MACHINE = pythons.find(packages.python_versions(PACKAGES))
PYTHONS = MACHINE.minors
# Where nox looks for them: a pyenv shim of a version that is not selected is on PATH, but does not run.
os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), *MACHINE.folders])

ROOT_PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
EXAMPLE = ROOT / "examples" / "helloworld"

# A stopped test run has servers of its own to stop first.
PATIENCE = 15.0

each_package = nox.parametrize("name", [nox.param(name, id=name) for name in NAMES])


@nox.session
def dev(session: nox.Session) -> None:
    """Make .nox/dev: all packages, editable, with everything that developing needs."""
    install(session, *editable(PACKAGES), *groups("test", "lint", "typing", "docs", "release", "nox"))
    session.run("python", "-m", "pip", "check")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format and the layers of imports."""
    install(session, *groups("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    rules = ROOT / ".nox" / "imports.toml"
    rules.parent.mkdir(exist_ok=True)
    rules.write_text(packages.import_rules(PACKAGES))
    sources = os.pathsep.join(str(package.src) for package in PACKAGES)
    own = [package.folder / "importlinter.toml" for package in PACKAGES]
    for config in [*([rules] if len(PACKAGES) > 1 else []), *(path for path in own if path.exists())]:
        session.run("lint-imports", "--no-cache", "--no-logo", "--config", str(config), env={"PYTHONPATH": sources})


@nox.session
def typing(session: nox.Session) -> None:
    """Check the types of the packages, their tests, the tools and this file."""
    install(session, *editable(PACKAGES), *groups("typing", "test", "docs", "release", "nox"))
    for package in PACKAGES:
        session.run("python", "-m", "mypy", *existing(package.src, package.tests))
    session.run("python", "-m", "mypy", "noxfile.py", "tools")


@nox.session
def docs(session: nox.Session) -> None:
    """Run every command and example of the README and of docs/."""
    if not (ROOT / "docs" / "tests").is_dir():
        session.skip("no docs/tests")
    install(session, *editable(PACKAGES), *groups("test", "docs"))
    pytest(session, ROOT / "docs" / "tests")


@nox.session
def tools(session: nox.Session) -> None:
    """Test the tools of this repository."""
    install(session, *groups("test", "lint", "release", "nox"))
    pytest(session, ROOT / "tools" / "tests")


@nox.session(python=PYTHONS)
@each_package
def tests(session: nox.Session, name: str) -> None:
    """Test one package on one Python; arguments after -- go to pytest. Tests marked `once` run on the oldest alone.

    Between the oldest and the newest Python there are the smoke tests only.
    """
    package = named(name)
    install(session, *editable(packages.closure(package, PACKAGES)), *groups("test"))
    if session.python == PYTHONS[0]:
        chosen = []
    elif session.python == PYTHONS[-1]:
        chosen = ["-m", "not once"]
    else:
        chosen = ["-m", "smoke"]
    pytest(session, package.tests, *chosen)


def tests_on_each_python(name: str) -> None:
    """Add the session `tests(core)` beside nox's own `tests-3.11(core)`, `tests-3.12(core)` …"""

    @nox.session(name=f"tests({name})", python=False, default=False)
    def tests_of_package(session: nox.Session) -> None:
        for minor in PYTHONS:
            session.notify(f"tests-{minor}({name})")

    tests_of_package.__doc__ = f"Test {name} on each Python found."


for each in NAMES:
    tests_on_each_python(each)


@nox.session(python=PYTHONS[0] if PYTHONS else None)
@each_package
def minimums(session: nox.Session, name: str) -> None:
    """Test one package on the oldest Python with the lowest versions that its ranges allow."""
    package = named(name)
    own = [other.distribution for other in PACKAGES]
    pinned = lowest_of(package, own, groups("test"))
    install(session, *editable(packages.closure(package, PACKAGES)), *pinned)
    pytest(session, package.tests)


@nox.session
def build(session: nox.Session) -> None:
    """Build wheel and sdist of every package, or of those named after --, into dist/ and check the wheels."""
    install(session, *groups("release"))
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    session.run("python", "-m", "tools.wheels", "build", str(ROOT / "dist"), *(session.posargs or NAMES))


@nox.session
def dist(session: nox.Session) -> None:
    """Build all wheels and try them in clean environments: all at once, and each with and without its extras."""
    install(session, *groups("release"))
    folder = ROOT / ".nox" / "wheels"
    shutil.rmtree(folder, ignore_errors=True)
    session.run("python", "-m", "tools.wheels", "build", str(folder), *NAMES)
    command = ["python", "-m", "tools.cleanroom", str(folder)]
    for chosen in dict.fromkeys([frozenset(NAMES), *(needs(package) for package in PACKAGES)]):
        session.run(*command, *sorted(chosen), "--smoke-with", *groups("test"))
    for chosen in dict.fromkeys(needs(package, extras=False) for package in PACKAGES if package.extras):
        session.run(*command, *sorted(chosen), "--bare")


@nox.session(python=PYTHONS[-1] if PYTHONS else None)
def bench(session: nox.Session) -> None:
    """Measure PyMacaron beside its peers and write docs/benchmarks.md; `-- --rounds 3` is a quick look."""
    install(session, *editable(PACKAGES, extras=False), *groups("bench"))
    session.run("python", str(ROOT / "bench" / "run.py"), *session.posargs)


@nox.session(python=PYTHONS[-1] if PYTHONS else None)
def bench_async(session: nox.Session) -> None:
    """Measure tasks beside bare Celery's on one Redis; `-- --rounds 3` is a quick look."""
    install(session, *editable(PACKAGES), *groups("test"))
    session.run("python", str(ROOT / "packages" / "async" / "bench" / "run.py"), *session.posargs)


@nox.session(python=PYTHONS[-1] if PYTHONS else None)
def bench_dynamodb(session: nox.Session) -> None:
    """Measure saves and loads beside bare PynamoDB and boto3 on one engine; `-- --rounds 7` is a quick look."""
    install(session, *editable(PACKAGES), *groups("test"))
    session.run("python", str(ROOT / "packages" / "dynamodb" / "bench" / "run.py"), *session.posargs)


@nox.session
def rabbitmq(session: nox.Session) -> None:
    """Test tasks through a private RabbitMQ, which is installed where that can be done."""
    debian.ensure(["rabbitmq-server"])
    install(session, *editable(PACKAGES), *groups("test"))
    tests = ROOT / "packages" / "async" / "tests" / "chaos" / "test_chaos_rabbitmq.py"
    session.run("python", "-m", "pytest", "-q", str(tests), *session.posargs, env={"PYM_TEST_RABBITMQ": "1"})


@nox.session
def soak(session: nox.Session) -> None:
    """Run the tests of faults in full size: workers killed, Redis restarted, connections cut, writers of one item."""
    install(session, *editable(PACKAGES), *groups("test"))
    tests, dynamodb = (ROOT / "packages" / name / "tests" for name in ("async", "dynamodb"))
    own = [[str(tests / "chaos"), str(tests / "test_beat.py")], [str(dynamodb / "test_concurrency.py")]]
    for chosen in [session.posargs] if session.posargs else own:
        session.run("python", "-m", "pytest", "-q", *chosen, env={"PYM_TEST_SOAK": "1"})


@nox.session
def fuzz(session: nox.Session) -> None:
    """Send hostile requests for a fixed time; `-- --seconds 600 --seed 7` chooses how long, and which."""
    install(session, *editable(PACKAGES), *groups("test"))
    session.run("python", str(ROOT / "fuzz" / "run.py"), *session.posargs)


@nox.session
def serve(session: nox.Session) -> None:
    """Run the example service until ^C; `-- --port N` chooses the port."""
    install(session, *editable(PACKAGES, extras=False))
    session.chdir(EXAMPLE)
    session.run("python", "-m", "pymacaron.cli", "run", *session.posargs, interrupt_timeout=PATIENCE)


@nox.session
@each_package
def release(session: nox.Session, name: str) -> None:
    """Make a release commit and tag, never pushed: nox -s "release(core)" -- minor (or major, patch)."""
    install(session, *groups("release"))
    session.run("python", "-m", "tools.release", name, *session.posargs)


def groups(*chosen: str) -> list[str]:
    """Return the requirements of some dependency groups."""
    return list(nox.project.dependency_groups(ROOT_PROJECT, *chosen))


def editable(chosen: list[packages.Package], *, extras: bool = True) -> list[str]:
    """Return pip's arguments that install packages from their folders."""
    paths = [packages.with_extras(each.folder, each) if extras else str(each.folder) for each in chosen]
    return [argument for path in paths for argument in ("-e", path)]


def lowest_of(package: packages.Package, own: list[str], besides: list[str]) -> list[str]:
    """Pin what a package and its extras need of others; `besides` less what is pinned comes after it."""
    third_party = [line for line in package.all_requirements if packages.required(line) not in own]
    pinned = {packages.required(line) for line in third_party}
    return [*lowest.pins(third_party), *(line for line in besides if packages.required(line) not in pinned)]


def needs(package: packages.Package, *, extras: bool = True) -> frozenset[str]:
    """Return the names of a package and of those that it needs."""
    return frozenset(each.name for each in packages.closure(package, PACKAGES, extras=extras))


def named(name: str) -> packages.Package:
    return next(package for package in PACKAGES if package.name == name)


def existing(*paths: Path) -> list[str]:
    return [str(path) for path in paths if path.exists()]


def install(session: nox.Session, *arguments: str) -> None:
    """Run one pip install, unless the last one into this environment had the same ingredients.

    With other ingredients it starts from an empty environment: one that keeps what is no longer required
    hides that something else still needs it.
    """
    if session.venv_backend == "none":
        return
    folder = session.env_dir
    local = [re.sub(r"\[[^][/]*\]$", "", argument) for argument in arguments if argument.startswith(str(ROOT))]
    projects = [Path(path) / "pyproject.toml" for path in local]
    value = stamps.digest([*arguments, *(path.read_text() for path in [folder / "pyvenv.cfg", *projects])])
    stamp = folder / "installed"
    with stamps.locked(folder.with_name(f"{folder.name}.lock")):
        if stamps.is_current(stamp, value):
            return
        if stamp.exists():
            empty(session)
        stamps.write(stamp, "unfinished")
        if session.run_install("python", "-m", "pip", "install", "-qq", *arguments) is not None:
            stamps.write(stamp, value)


def empty(session: nox.Session) -> None:
    """Make the session's environment anew."""
    venv = session.virtualenv
    assert isinstance(venv, VirtualEnv)
    venv.reuse_existing = False
    venv.create()


def pytest(session: nox.Session, folder: Path, *options: str) -> None:
    """Run the tests of a folder, or those that the arguments after -- name."""
    reports = Path(os.environ.get("PYM_TEST_RESULTS", ROOT / ".nox" / "results"))
    junit = results.junit_file(reports, session.name)
    named = any(Path(argument.split("::")[0]).exists() for argument in session.posargs)
    command = ["python", "-m", "pytest", "-n", "2", "--dist", "worksteal", f"--junitxml={junit}", *options]
    targets = session.posargs if named else [str(folder), *session.posargs]
    session.run(*command, *targets, interrupt_timeout=PATIENCE)
