"""Books: how they are stored, and the handlers of /books."""

from typing import Any

from pymacaron_dynamodb import PersistentSwaggerObject, page


class Book(PersistentSwaggerObject):
    """The table of books; the contract names this class by x-persist."""

    table_name = "books"
    primary_key = "isbn"
    indexes = {"by-subject": {"hash": "subject", "range": "title"}}
    version = "version"
    item_version = 2

    @classmethod
    def upgrade(cls, old_item: dict[str, Any], from_version: int) -> dict[str, Any]:
        """Bring an item to today's form: until version 1.x of the contract all authors stood in one text."""
        old_item["authors"] = old_item.pop("author").split(" and ")
        return old_item


def list_books(subject: str | None, on_shelf: bool | None, limit: int, cursor: str | None) -> Any:
    """Return a page of books: a part of an index where the subject is given, else of the table."""
    copies = Book.get_table().copies
    condition = None if on_shelf is None else copies > 0 if on_shelf else copies == 0
    if subject is None:
        return page(Book.scan(filter=condition), limit=limit, cursor=cursor)
    return page(Book.query(subject, index="by-subject", filter=condition), limit=limit, cursor=cursor)


def add_book(book: Any) -> Any:
    """Keep a new book; there must be none of its ISBN, as it has a version and was never read."""
    book.save_to_db()
    return book, 201, {"Location": f"/v1/books/{book.isbn}"}


def get_book(isbn: str) -> Any:
    """Return one book; ETag and 304 come by themselves."""
    return Book.load_from_db(isbn)


def replace_book(book: Any, isbn: str) -> Any:
    """Replace a book, in the version that If-Match names; what is counted stays."""
    now = Book.load_from_db(isbn)
    book.isbn, book.lent, book.recommended = isbn, now.lent, now.recommended
    book.save_to_db()
    return book


def move_book(move: Any, isbn: str) -> Any:
    """Change one property, in the version that If-Match names, without reading the book before."""
    return Book.update_in_db(isbn, set={"shelf": move.shelf})


def remove_book(isbn: str) -> None:
    """Delete a book, in the version that If-Match names, unless a copy is lent."""
    Book.load_from_db(isbn).delete_from_db(only_if=~(Book.get_table().lent > 0))


def recommend_book(isbn: str) -> Any:
    """Count one more, however many others do so at the same time."""
    return Book.update_in_db(isbn, add={"recommended": 1})
