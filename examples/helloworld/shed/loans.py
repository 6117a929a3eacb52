"""Handlers of apis/loans.yaml, and what its models can do."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from pymacaron import apipool, get_userid

from .store import shed


class LoanMixin:
    """Mixed into the model Loan by x-parent."""

    due: datetime
    returned: datetime | None

    def is_overdue(self, now: datetime | None = None) -> bool:
        """Tell whether the tool should have been back by now."""
        return self.returned is None and self.due < (now or datetime.now(UTC))


def borrow(request: Any) -> Any:
    """Lend a tool to the caller."""
    tool = shed.tool(request.tool_id)
    now = datetime.now(UTC)
    loan = apipool.loans.Loan(
        id=uuid4(),
        tool_id=tool.id,
        borrower=get_userid(),
        since=now,
        due=now + timedelta(days=request.days),
        deposit=tool.deposit,
        returned=None,
    )
    shed.lend(loan)
    return loan


def my_loans(overdue: bool | None) -> list[Any]:
    """Return the caller's loans."""
    mine = [loan for loan in shed.loans.values() if loan.borrower == get_userid()]
    return mine if overdue is None else [loan for loan in mine if loan.is_overdue() is overdue]


def bring_back(condition: Any, loan_id: UUID) -> Any:
    """Take a tool back, with a word on its condition."""
    loan = shed.loan(loan_id, get_userid())
    loan.returned = datetime.now(UTC)
    if condition is not None:
        loan.condition = condition
    return loan


def export_loans() -> Iterator[str]:
    """Stream all loans as lines of text."""
    yield "tool,borrower,since\n"
    for loan in list(shed.loans.values()):
        yield f"{loan.tool_id},{loan.borrower},{loan.since:%Y-%m-%d}\n"
