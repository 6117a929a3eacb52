"""Cursors: where in a list a page ends, as a text that its reader can neither read, change nor use elsewhere.

A cursor is base64url (RFC 4648, section 5) without padding of::

    version (1 byte) | which secret (4 bytes) | AES-SIV (RFC 5297) of the list's digest and the key of the last item

AES-SIV authenticates what it encrypts, the first five bytes included, and needs no nonce: one position in one list
always has the same cursor, so that equal pages are equal bytes.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from .exceptions import InvalidCursor, TableConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    from .attributes import Item

_VERSION = b"\x01"
_NAME = 4
_DIGEST = 16
_HEADER = len(_VERSION) + _NAME
#: Characters that a cursor has at most: a key is 3 KB at most, and there are two of them in one of an index.
LONGEST = 12_000

_pack = msgspec.msgpack.Encoder(order="deterministic").encode
_unpack = msgspec.msgpack.Decoder(tuple[bytes, dict[str, dict[str, Any]]]).decode


class Cursors:
    """Makes and reads the cursors of one list.

    Args:
        secret: of the service.
        of: what tells the list from others: table, index, key, order and filter.
    """

    def __init__(self, secret: bytes | None, of: Any) -> None:
        if secret is None:
            raise TableConfigError(
                "cursors need a secret, and pym-config has none; set dynamodb_cursor_secret, or jwt_secret"
            )
        self._sealer, self._header = _sealer(secret)
        self._digest = hmac.digest(secret, b"list" + _pack(of), hashlib.sha256)[:_DIGEST]

    def write(self, position: Item) -> str:
        """Return the cursor of a position."""
        sealed = self._sealer.encrypt(_pack((self._digest, position)), [self._header])
        return urlsafe_b64encode(self._header + sealed).rstrip(b"=").decode()

    def read(self, cursor: str) -> Item:
        """Return the position of a cursor.

        Raises:
            InvalidCursor: it was changed, is of another list, or was made with another secret or version.
        """
        data = _decoded(cursor)
        if data[:1] != _VERSION:
            raise _refused("was changed, or made by another version of this service")
        if not hmac.compare_digest(data[:_HEADER], self._header):
            raise _refused("was changed, or made with another secret")
        digest, position = _unpack(self._opened(data[_HEADER:]))
        if not hmac.compare_digest(digest, self._digest):
            raise _refused("belongs to another list: other parameters, another filter or another order")
        return position

    def _opened(self, sealed: bytes) -> bytes:
        from cryptography.exceptions import InvalidTag

        try:
            return self._sealer.decrypt(sealed, [self._header])
        except InvalidTag:
            raise _refused("was changed") from None


@lru_cache(maxsize=8)
def _sealer(secret: bytes) -> tuple[AESSIV, bytes]:
    """Return what encrypts with a secret, and what cursors made with it begin with."""
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    key = hmac.digest(secret, b"pymacaron-dynamodb cursors: key", hashlib.sha512)
    name = hmac.digest(secret, b"pymacaron-dynamodb cursors: name", hashlib.sha256)[:_NAME]
    return AESSIV(key), _VERSION + name


def _decoded(cursor: str) -> bytes:
    """Return the bytes of a cursor; of the many texts that stand for some bytes only one is taken."""
    if len(cursor) > LONGEST:
        raise _refused(f"has {len(cursor):,} characters, more than any")
    try:
        data = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
    except ValueError:
        raise _refused("is none of this service") from None
    if urlsafe_b64encode(data).rstrip(b"=") != cursor.encode() or len(data) <= _HEADER + _DIGEST:
        raise _refused("is none of this service")
    return data


def _refused(why: str) -> InvalidCursor:
    return InvalidCursor(f"the cursor {why}; begin again without one")
