"""Black-box tests of HTTP APIs: in this process, on this machine, in a container or live, with one suite.

Nothing here needs PyMacaron or a contract; where both are at hand every call is checked against the contract, and what
of the contract the suite exercised is measured.
"""

from __future__ import annotations

from .api import Api
from .exceptions import ContractBroken, NoContractError, TargetError, UnitError
from .polling import eventually
from .response import Response
from .testcase import PyMacaronTestCase

__all__ = [
    "Api",
    "ContractBroken",
    "NoContractError",
    "PyMacaronTestCase",
    "Response",
    "TargetError",
    "UnitError",
    "eventually",
]
