"""The shed's memory: everything lives in this process and is gone with it."""

from itertools import count
from threading import Lock
from typing import Any

from pymacaron import add_error

ToolNotFound = add_error(name="ToolNotFound", code="TOOL_NOT_FOUND", status=404)
LoanNotFound = add_error(name="LoanNotFound", code="LOAN_NOT_FOUND", status=404)
ToolIsLent = add_error(name="ToolIsLent", code="TOOL_IS_LENT", status=409)


class Shed:
    """Tools, their photos and loans, safe to use from several threads."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.tools: dict[int, Any] = {}
        self.photos: dict[int, bytes] = {}
        self.loans: dict[str, Any] = {}
        self._numbers = count(1)

    def add_tool(self, tool: Any) -> Any:
        """Keep a tool under the next free number."""
        with self.lock:
            tool.id = next(self._numbers)
            self.tools[tool.id] = tool
        return tool

    def tool(self, tool_id: int) -> Any:
        """Return a tool, or raise ToolNotFound."""
        if tool_id not in self.tools:
            raise ToolNotFound(f"there is no tool {tool_id}", user_message="We have no such tool.")
        return self.tools[tool_id]

    def lend(self, loan: Any) -> None:
        """Keep a loan, unless its tool is lent already."""
        with self.lock:
            if any(other.tool_id == loan.tool_id and other.returned is None for other in self.loans.values()):
                raise ToolIsLent(f"the tool {loan.tool_id} is lent", user_message="Somebody has this tool.")
            self.loans[str(loan.id)] = loan

    def loan(self, loan_id: Any, borrower: str | None) -> Any:
        """Return a borrower's loan, or raise LoanNotFound."""
        found = self.loans.get(str(loan_id))
        if found is None or found.borrower != borrower:
            raise LoanNotFound(f"{borrower} has no loan {loan_id}")
        return found


shed = Shed()
