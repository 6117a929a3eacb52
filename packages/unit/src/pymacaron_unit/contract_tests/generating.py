"""Requests of the operations of a contract, made by Schemathesis. The only module that imports it."""

from __future__ import annotations

import contextlib
import warnings
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import hypothesis
import hypothesis.configuration
import requests
import schemathesis
from hypothesis import strategies
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.generation.drivers import CoverageGenerator, ExamplesGenerator
from schemathesis.generation.feedback import NO_FEEDBACK
from schemathesis.generation.overrides import Override

from pymacaron.spec import cache_folder
from pymacaron.spec.bundling import bundle

from ..exceptions import UnitError
from ..valid_requests import valid_request
from .call import Call, from_prepared

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pymacaron.contract import Operation

    from ..contracts import Contract
    from .sending import Budget

_BASE = "http://contract.test"
_PLAIN = 3


@dataclass(frozen=True)
class Draft:
    """A request that was made up.

    Attributes:
        call: the request.
        wrong: the places (``path``, ``query``, ``header``, ``cookie``, ``body``) that were made invalid on purpose.
    """

    call: Call
    wrong: frozenset[str] = frozenset()


class Drafts:
    """Makes up requests for the operations of one contract; the same ones for the same seed.

    Args:
        contract: what the requests follow, or break; its file or document must be known.
        seed: of all that is random.
        formats: examples of texts of the service's own formats.
        budget: the time of the run, after which nothing more is made up.
    """

    def __init__(self, contract: Contract, seed: int, formats: Mapping[str, Sequence[str]], budget: Budget) -> None:
        self.budget = budget
        self.prefix = contract.prefix
        self.seed = seed
        for name, texts in formats.items():
            schemathesis.openapi.format(name, strategies.sampled_from([*texts]))
        config = schemathesis.Config(seed=seed)
        document = bundle(contract.file) if contract.file is not None else deepcopy(contract.document or {})
        self.document: dict[str, Any] = document
        self.schema = schemathesis.openapi.from_dict(document, config=config)
        self.schema.config.generation.with_security_parameters = False
        self.faults: dict[str, str] = {}
        self._operations = dict(self._read())

    def _read(self) -> Iterator[tuple[tuple[str, str], Any]]:
        for result in self.schema.get_all_operations():
            if isinstance(result, Ok):
                operation = result.ok()
                yield (operation.method.upper(), operation.path), operation
            else:
                self.faults[str(result.err().path)] = str(result.err())

    def plain(self, contract: Contract, operation: Operation) -> Iterator[Draft]:
        """Yield a few valid requests, the plainest first."""
        for seed in range(_PLAIN):
            for optional in (False, True):
                try:
                    request = valid_request(contract, operation, _BASE, seed=seed, optional=optional)
                    yield Draft(from_prepared(request.prepare(), _BASE))
                except (UnitError, ValueError, requests.RequestException):
                    continue

    def examples(self, operation: Operation) -> Iterator[Draft]:
        """Yield requests made of the contract's examples; a small valid one where it has none."""
        made = self._of(operation)
        if made is not None:
            generator = ExamplesGenerator(operation=made, override=Override(), feedback=NO_FEEDBACK, fill_missing=True)
            yield from self._drafts(operation, generator)

    def coverage(self, operation: Operation) -> Iterator[Draft]:
        """Yield requests at and beyond each bound of each schema, one after another."""
        made = self._of(operation)
        if made is not None:
            generator = CoverageGenerator(
                operation=made,
                generation_modes=list(GenerationMode),
                generation_config=self.schema.config.generation_for(operation=made, phase="coverage"),
                auth_storage=None,
                override=Override(),
                feedback=NO_FEEDBACK,
            )
            yield from self._drafts(operation, generator)

    def random(self, operation: Operation, round_: int, count: int, *, valid: bool) -> list[Draft]:
        """Return random requests; another round gives others."""
        made = self._of(operation)
        if made is None:
            return []
        mode = GenerationMode.POSITIVE if valid else GenerationMode.NEGATIVE
        try:
            cases = _draw(made.as_strategy(mode, feedback=NO_FEEDBACK), count, self.seed * 1000 + round_, self.budget)
        except hypothesis.errors.HypothesisException:
            return []  # Nothing invalid can be made of an operation without parameters.
        return list(self._drafts(operation, cases))

    def _of(self, operation: Operation) -> Any:
        return self._operations.get((operation.method.upper(), operation.path))

    def _drafts(self, operation: Operation, cases: Iterable[Any]) -> Iterator[Draft]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            iterator = iter(cases)
        while True:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    case = next(iterator, None)
                except Exception as error:  # noqa: BLE001  # whatever a generator fails with is reported, not fatal
                    self.faults[operation.name] = f"{type(error).__name__}: {error}"
                    return
                if case is None:
                    return
                draft = self._draft(case) if case.method.upper() == operation.method.upper() else None
            if draft is not None:
                yield draft

    def _draft(self, case: Any) -> Draft | None:
        """Return a case as a draft; None where no client could send it."""
        try:
            kwargs = case.as_transport_kwargs(base_url=_BASE + self.prefix)
            call = from_prepared(requests.Request(**_sendable(kwargs)).prepare(), _BASE)
        except (ValueError, TypeError, UnicodeError, requests.RequestException):
            return None
        meta = case.meta
        wrong = {str(place.value) for place in meta.components if meta.is_negative_at(place)} if meta else set()
        return Draft(call, frozenset(wrong))


def _sendable(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in kwargs.items() if name in _ARGUMENTS}


_ARGUMENTS = frozenset({"method", "url", "headers", "files", "data", "params", "auth", "cookies", "json"})


@contextlib.contextmanager
def own_storage() -> Iterator[None]:
    """Keep what Hypothesis remembers of texts and modules out of the working folder."""
    folder = cache_folder()
    if folder is not None:
        hypothesis.configuration.set_hypothesis_home_dir(folder / "hypothesis")
    try:
        yield
    finally:
        hypothesis.configuration.set_hypothesis_home_dir(None)


class _Over(Exception):
    """The time is spent."""


def _draw(strategy: Any, count: int, seed: int, budget: Budget) -> list[Any]:
    """Return values of a strategy without shrinking and without a database, fewer where the time is spent."""
    made: list[Any] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        database=None,
        derandomize=False,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(strategy)
    def collect(case: Any) -> None:
        if budget.is_spent:
            raise _Over
        made.append(case)

    with warnings.catch_warnings(), contextlib.suppress(_Over):
        warnings.simplefilter("ignore")
        collect()
    return made
