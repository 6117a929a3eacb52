"""What a run needs: the contracts, the operations, the credentials and the seeds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..api import Api
from ..channel import Channel
from ..contracts import Contracts
from ..exceptions import NoContractError, UnitError
from .credentials import Credentials
from .failures import Failures
from .false_alarms import FALSE_ALARMS
from .generating import Drafts
from .inspecting import Inspector
from .running import Run, Subject
from .seeds import find_seeds, load_seeds
from .sending import Budget, Sender

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .seeds import Seeds
    from .sending import Target


def set_up(
    target: Target,
    seconds: float,
    operations: Iterable[str] | None,
    seed: int,
    user: str | None,
    seed_file: str | Path | None,
    enable: Iterable[str],
    examples: int,
    echo: Callable[[str], None],
) -> Run:
    """Make a run; its time starts now. The arguments are those of :func:`~pymacaron_unit.contract_tests.run`.

    Raises:
        UnitError: something is missing or unknown; the message says what.
    """
    enabled = frozenset(enable)
    unknown = sorted(enabled - FALSE_ALARMS.keys())
    if unknown:
        raise UnitError(f"{unknown[0]!r} is no class of false alarms; there are: {', '.join(FALSE_ALARMS)}")
    budget = Budget(seconds)
    contracts = target.contracts() or Contracts()
    names = None if operations is None else {contracts.operation(name)[1].name for name in operations}
    seeds = _seeds(target, contracts, user, seed_file)
    credentials = Credentials(target, user, seeds.credentials)
    sender = Sender(target, contracts, credentials, budget)
    inspector = Inspector(sender, Failures(), enabled)
    notes: list[str] = []
    subjects = _subjects(contracts, names, seed, seeds, budget, notes)
    if not subjects:
        raise NoContractError(
            f"{target.describe()} has no operation to test; give its contract with --contract-file FILE"
        )
    run = Run(subjects, inspector, seeds, examples, echo)
    run.notes += notes
    return run


def _seeds(target: Target, contracts: Contracts, user: str | None, seed_file: str | Path | None) -> Seeds:
    api = Api(Channel(target, contracts), target.token)
    if user is not None:
        api = api.as_user(user)
    path = Path(seed_file) if seed_file is not None else find_seeds(Path.cwd())
    if path is not None and not path.is_file():
        raise UnitError(f"{path}: there is no such file of seeds")
    return load_seeds(path, api)


def _subjects(
    contracts: Contracts, names: set[str] | None, seed: int, seeds: Seeds, budget: Budget, notes: list[str]
) -> list[Subject]:
    made = []
    for contract in contracts:
        chosen = [each for each in contract.api.operations if names is None or each.name in names]
        if chosen and contract.file is None and contract.document is None:
            notes.append(
                f"{contract.name}: not tested, since its contract is no file; give it with --contract-file FILE"
            )
        elif chosen:
            drafts = Drafts(contract, seed, seeds.formats, budget)
            made += [Subject(contract, operation, drafts) for operation in chosen]
            notes += [f"{contract.name}: {place}: {fault}" for place, fault in drafts.faults.items()]
    return made
