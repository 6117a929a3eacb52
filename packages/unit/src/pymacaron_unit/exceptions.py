"""The errors of this package::

UnitError
├── TargetError          what is to be tested cannot be found or started
├── NoContractError      something needs a contract, and there is none
└── ContractBroken       an answer, or a request of the service's, is not what a contract says (an AssertionError)
"""

from __future__ import annotations


class UnitError(Exception):
    """Base of the errors of this package; its text names the thing, the value seen and the mend."""


class TargetError(UnitError):
    """What is to be tested cannot be found, started or reached."""


class NoContractError(UnitError):
    """A contract, or an operation of one, is asked for that is not there."""


class ContractBroken(UnitError, AssertionError):
    """What was sent or answered is not what the contract says."""
