"""HTML that is safe by construction: what is not :class:`Html` already is text, and is escaped."""

from __future__ import annotations

from html import escape

#: Elements without content (HTML, section 13.1.2).
_VOID = frozenset(("meta", "link", "input", "br"))


class Html(str):
    """A piece of HTML."""

    __slots__ = ()


def element(name: str, *content: str, **attributes: str | bool | None) -> Html:
    """Write an element.

    Args:
        name: of the element.
        content: pieces of HTML, and texts.
        attributes: ``class_`` is ``class``, other underscores are hyphens; True stands for an attribute without a
            value, False and None for none.
    """
    given = "".join(_attribute(key, value) for key, value in attributes.items() if value not in (None, False))
    inner = "".join(each if isinstance(each, Html) else escape(each) for each in content)
    return Html(f"<{name}{given}>" if name in _VOID else f"<{name}{given}>{inner}</{name}>")


def _attribute(key: str, value: str | bool | None) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'


def document(title: str, *body: str) -> str:
    """Write a whole page, which needs nothing but the files beside it."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("link", rel="icon", href="data:,"),
        element("link", rel="stylesheet", href="page.css"),
        element("script", src="page.js", defer=True),
    )
    return f"<!doctype html>\n{element('html', head, element('body', *body), lang='en')}\n"
