"""Stubs of the services that a service calls: they serve a contract, and check what they are sent against it.

Needs pymacaron (``pip install pymacaron-unit[contract]``) when the first stub is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from .stub import ApiStub

__all__ = ["api_stub"]


def api_stub(name: str, contract: str | Path | dict[str, Any] | None = None, *, port: int = 0) -> ApiStub:
    """Make a stub of the service that an API is of; it serves within a ``with`` block, which ends with its check.

    Args:
        name: of the API, as in ``apipool`` and under ``services`` in pym-config.
        contract: its file, a folder that holds it, or the document itself; where it is None, what ``apipool`` has
            loaded under the name, else the file ``<name>.yaml`` (or ``.yml``, ``.json``) in the service's ``apis``
            folder or below the working folder.
        port: to listen on, on the loopback interface; a free one where it is 0.

    Raises:
        NoContractError: there is no such contract.
    """
    from .finding import find_contract
    from .stub import ApiStub

    return ApiStub(find_contract(name, contract), port=port)
