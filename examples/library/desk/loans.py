"""Handlers of /loans; the contract says by x-pym-table how loans are stored."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from pymacaron import apipool, get_userid
from pymacaron_dynamodb import page, transaction

from .books import Book

REMEMBERED = timedelta(days=30)


def borrow_book(request: Any) -> Any:
    """Lend a copy to the caller: one less on the shelf and a loan, or neither."""
    now = datetime.now(UTC)
    due = now.date() + timedelta(days=request.days)
    loan = apipool.library.Loan(id=uuid4(), borrower=get_userid(), isbn=request.isbn, since=now, due=due)
    with transaction() as t:
        t.update(Book, request.isbn, add={"copies": -1, "lent": 1})  # the contract's minimum of copies is 0
        t.save(loan)
    return loan, 201, {"Location": f"/v1/loans/{loan.id}"}


def return_book(loan_id: UUID) -> Any:
    """Take a copy back, once; DynamoDB forgets the loan some time after."""
    loan = get_loan(loan_id)
    if loan.returned is None:
        loan.returned = datetime.now(UTC)
        loan.forget = loan.returned + REMEMBERED
        with transaction() as t:
            t.save(loan)  # refused where somebody else wrote it meanwhile
            t.update(Book, loan.isbn, add={"copies": 1, "lent": -1})
    return loan


def get_loan(loan_id: UUID) -> Any:
    """Return a loan of the caller's."""
    return apipool.library.Loan.load_from_db(get_userid(), loan_id)


def my_loans(limit: int, cursor: str | None) -> Any:
    """Return a page of the caller's loans."""
    return page(apipool.library.Loan.query(get_userid(), index="by-date", reverse=True), limit=limit, cursor=cursor)
