"""The library's own tests, black-box: pytest, pytest --pym-target ., or pym test."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from random import randrange
from uuid import uuid4

import pytest


def new_isbn():
    """Return a number that no other book has, so that the library need not be empty."""
    return f"978{randrange(10**10):010}"


@pytest.fixture
def subject():
    """Return a subject that no other test's books have."""
    return f"subject-{uuid4()}"


@pytest.fixture
def ann(api):
    """Return the librarian."""
    return api.as_user("ann")


@pytest.fixture
def add(ann, subject):
    """Return what adds a book."""

    def add_book(**changes):
        book = {"isbn": new_isbn(), "title": "Knots", "authors": ["Bob"], "subject": subject, "shelf": "A1"}
        made = ann.add_book({**book, "copies": 1, **changes})
        assert made.status == 201
        return made.json()

    return add_book


@pytest.fixture
def reader(api):
    """Return a reader who has no loans yet."""
    return api.as_user(f"reader-{uuid4()}")


def test_adds_books(api, ann, add):
    """A book stands where Location says; there is one of each number."""
    book = add()
    assert (book["lent"], book["recommended"], book["version"]) == (0, 0, 1)
    assert api.get(ann.calls[-1].headers["Location"]).json() == book
    assert ann.add_book({**book, "title": "Other knots"}).json()["error"] == "STALE_WRITE"
    assert ann.add_book({**book, "isbn": "1"}).status == 400
    assert api.anonymous().add_book(book).status == 401


def test_says_when_nothing_changed(api, ann, add):
    """A reader who has the book's version already is told so, and gets it once more when it has changed."""
    book = add()
    tag = api.get_book(isbn=book["isbn"]).headers["ETag"]
    assert api.get_book(isbn=book["isbn"], if_none_match=tag).status == 304
    assert ann.recommend_book(isbn=book["isbn"]).json()["recommended"] == 1
    assert api.get_book(isbn=book["isbn"], if_none_match=tag).json()["recommended"] == 1
    assert api.get_book(isbn=new_isbn()).json()["error"] == "ITEM_NOT_FOUND"


@pytest.mark.parametrize(
    ("operation", "body"),
    [("replace_book", {"title": "Ropes", "recommended": 100}), ("move_book", {"shelf": "B2"}), ("remove_book", None)],
)
def test_changes_one_version_of_a_book(api, ann, add, operation, body):
    """A change says which version it is about; nobody's change is lost."""
    book = add()
    isbn, given = book["isbn"], {**book, **body} if operation == "replace_book" else body
    arguments = [] if given is None else [given]
    assert ann.call(operation, *arguments, isbn=isbn).status == 428
    changed = ann.call(operation, *arguments, isbn=isbn, if_match='"1"')
    assert changed.status == (204 if body is None else 200)
    if body is not None:
        assert changed.json() == {**book, **body, "recommended": 0, "version": 2}
        assert changed.headers["ETag"] == '"2"'
        assert ann.call(operation, *arguments, isbn=isbn, if_match='"1"').status == 412
        assert api.get_book(isbn=isbn).json() == changed.json()
    else:
        assert api.get_book(isbn=isbn).status == 404
    assert ann.call(operation, *arguments, isbn=new_isbn(), if_match='"1"').status in (404, 412)


def test_lists_books_page_by_page(api, add, subject):
    """A cursor leads from page to page, by title, and belongs to its list."""
    titles = [f"Volume {number}" for number in range(5)]
    for title in reversed(titles):
        add(title=title, copies=int(title[-1]) % 2)
    first = api.list_books(subject=subject, limit=2).json()
    second = api.list_books(subject=subject, limit=2, cursor=first["next"]).json()
    third = api.list_books(subject=subject, limit=2, cursor=second["next"]).json()
    assert [book["title"] for page in (first, second, third) for book in page["books"]] == titles
    assert "next" not in third
    on_shelf = api.list_books(subject=subject, on_shelf=True).json()["books"]
    assert [book["title"] for book in on_shelf] == titles[1::2]
    assert len(api.list_books(subject=subject, on_shelf=False).json()["books"]) == 3
    assert api.list_books(subject="another", cursor=first["next"]).json()["error"] == "INVALID_CURSOR"
    assert len(api.list_books(limit=3).json()["books"]) == 3


def test_counts_what_many_do_at_once(api, ann, add):
    """No recommendation is lost, however many there are at a time."""
    isbn = add()["isbn"]
    with ThreadPoolExecutor(4) as readers:
        answers = list(readers.map(lambda _: ann.recommend_book(isbn=isbn).status, range(20)))
    assert answers == [200] * 20
    assert api.get_book(isbn=isbn).json()["recommended"] == 20
    assert ann.recommend_book(isbn=new_isbn()).status == 404


def test_lends_each_copy_once(api, ann, add, reader):
    """A loan and one copy less on the shelf, or neither; a copy that is back can be lent again."""
    isbn = add(copies=1)["isbn"]
    loan = reader.borrow_book({"isbn": isbn}).json()
    refused = reader.borrow_book({"isbn": isbn, "days": 7})
    assert (refused.status, refused.json()["error"]) == (409, "TRANSACTION_CANCELLED")
    assert reader.borrow_book({"isbn": new_isbn()}).status == 409
    assert reader.my_loans().json() == [loan]
    book = api.get_book(isbn=isbn).json()
    assert (book["copies"], book["lent"]) == (0, 1)
    assert ann.remove_book(isbn=isbn, if_match="*").json()["error"] == "CONDITION_FAILED"
    back = reader.return_book(loan_id=loan["id"]).json()
    assert back["returned"] < back["forget"]
    assert reader.return_book(loan_id=loan["id"]).json() == back
    book = api.get_book(isbn=isbn).json()
    assert (book["copies"], book["lent"]) == (1, 0)


def test_tells_readers_of_their_own_loans(api, add, reader):
    """Loans are listed page by page, the last one first, to nobody but their reader."""
    loans = [reader.borrow_book({"isbn": add()["isbn"]}).json() for _ in range(3)]
    first = reader.my_loans(limit=2)
    assert first.json() == [loans[2], loans[1]]
    link = first.headers["Link"].partition(">")[0].removeprefix("<")
    assert reader.get(f"/v1/loans{link}").json() == [loans[0]]
    assert reader.get_loan(loan_id=loans[0]["id"]).json() == loans[0]
    assert api.as_user("eve").get_loan(loan_id=loans[0]["id"]).status == 404
    assert api.as_user("eve").return_book(loan_id=loans[0]["id"]).status == 404


def test_reads_books_of_the_older_form(api, ann, subject):
    """A book whose authors stand in one text is read, listed, changed and migrated as what it is today."""
    isbns = [new_isbn() for _ in range(2)]
    for isbn in isbns:
        item = {"isbn": isbn, "title": "Bees", "author": "Ann and Bob", "subject": subject, "shelf": "C1"}
        wire = {**{name: {"S": text} for name, text in item.items()}, "copies": {"N": "1"}, "version": {"N": "4"}}
        pym("db", "import", "--table", "books", stdin=json.dumps({"Item": wire}))
    assert api.get_book(isbn=isbns[0]).json()["authors"] == ["Ann", "Bob"]
    assert [book["authors"] for book in api.list_books(subject=subject).json()["books"]] == [["Ann", "Bob"]] * 2
    moved = ann.move_book({"shelf": "C2"}, isbn=isbns[0], if_match='"4"').json()
    assert (moved["authors"], moved["shelf"], moved["version"]) == (["Ann", "Bob"], "C2", 5)
    assert "1 migrated, 0 failed" in pym("db", "migrate", "--table", "books")
    assert "0 migrated, 0 failed" in pym("db", "migrate", "--table", "books")


def pym(*arguments, stdin=""):
    """Run a command in this service's folder, on the same DynamoDB."""
    command = [sys.executable, "-m", "pymacaron.cli", *arguments]
    return subprocess.run(command, input=stdin, check=True, capture_output=True, text=True).stdout
