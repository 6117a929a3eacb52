"""What a request says of the version that it is about, held against what its handler loads and writes.

A request with ``If-Match`` or ``If-None-Match`` (RFC 9110, section 13.1) is about one item. That is the first one of
the operation's models which the handler loads or writes and whose key stands in the request's path or query; where it
touches none such, the first that it writes. Its version is held against the header when it is loaded and when it is
written, and each write is made on the condition that it still has that version. Other items are none of the header's
business.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .exceptions import PreconditionFailed
from .items import READ
from .wire import read_number

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pymacaron.model import PymacaronBaseModel

    from .attributes import Item
    from .binding import Binding


@dataclass(frozen=True)
class Versions:
    """The versions that a header names.

    Attributes:
        every: whether it is ``*``: whichever version there is.
        listed: those that it lists.
    """

    every: bool = False
    listed: frozenset[int] = frozenset()

    def have(self, version: int | None) -> bool:
        """Tell whether a version is one of them; None is that of an item which has none yet."""
        return self.every or version in self.listed


class Precondition:
    """What one request asks for.

    Args:
        owners: the persistent classes of the operation's models; None for all.
        texts: the values of the request's path and query.
        match: what ``If-Match`` names; None where there is none.
        none_match: what ``If-None-Match`` names; likewise.

    Attributes:
        last: the object of the operation's models that was loaded or written last, and is still there.
        is_met: whether an item was held against the headers.
    """

    def __init__(
        self,
        owners: Collection[type] | None,
        texts: Collection[str],
        match: Versions | None = None,
        none_match: Versions | None = None,
    ) -> None:
        self.owners = owners
        self.texts = set(texts)
        self.last: PymacaronBaseModel | None = None
        self.is_met = False
        self._asked = self._match, self._none_match = match, none_match
        self._key: Item | None = None
        self._is_named = False

    @property
    def asks(self) -> bool:
        """Whether there is any header."""
        return self._asked != (None, None)

    @property
    def creates(self) -> bool:
        """Whether there must be no item: ``If-None-Match: *``."""
        return self._none_match is not None and self._none_match.every

    def loaded(self, binding: Binding, obj: PymacaronBaseModel) -> None:
        """Hold an object that was loaded against the headers.

        Raises:
            PreconditionFailed: it is the request's item, and has another version.
        """
        if not self._is_of_operation(binding):
            return
        self.last = obj
        if self.asks and self._is_item(binding.codec.key_of(obj), is_written=False):
            self.hold(binding.describe(binding.codec.key_of(obj)), obj[str(binding.definition.version)])

    def written(self, binding: Binding, obj: PymacaronBaseModel, is_gone: bool = False) -> None:
        """Take note of a write that was made: what follows in this request is about what it wrote."""
        if not self._is_of_operation(binding):
            return
        self.last = None if is_gone else obj
        if self.asks and self._key == binding.codec.key_of(obj):
            self._none_match = None
            if self._match is not None and not self._match.every:
                version = obj[str(binding.definition.version)]
                self._match = Versions(listed=frozenset() if is_gone else frozenset({version}))

    def admit(self, binding: Binding, obj: PymacaronBaseModel) -> bool:
        """Hold an object that is about to be written against the headers.

        An object that knows no version gets the one that the header names, or that the item has: the write is then
        made on the condition that it still has it.

        Returns:
            Whether it is the request's item.

        Raises:
            PreconditionFailed: it is the request's item, and has another version.
        """
        if not self.asks or not self._is_of_operation(binding):
            return False
        key, name = binding.codec.key_of(obj), str(binding.definition.version)
        if not self._is_item(key, is_written=True):
            return False
        is_read = READ in obj.__dict__
        if self.creates and not is_read:
            obj[name] = None  # so that it is written only where there is no item
            self.is_met = True
            return True
        if not is_read and obj[name] is None and self._match is not None:
            obj[name] = self._version(binding, key)
            obj.__dict__[READ] = True
        self.hold(binding.describe(key), obj[name])
        return True

    def hold(self, what: str, version: int | None) -> None:
        """Hold a version against the headers, in the order of RFC 9110, section 13.2.2.

        Raises:
            PreconditionFailed: it is not what they ask for.
        """
        self.is_met = True
        shown = f"{what} has version {version} now" if version is not None else f"{what} has no version yet"
        if self._match is not None and not self._match.have(version):
            raise PreconditionFailed(f"{shown}, which If-Match does not name; read it again")
        if self._none_match is not None and self._none_match.have(version):
            there = "; the item is there already" if self.creates else ""
            raise PreconditionFailed(f"{shown}, which If-None-Match excludes{there}")

    def _is_of_operation(self, binding: Binding) -> bool:
        return binding.definition.version is not None and (self.owners is None or binding.owner in self.owners)

    def _is_item(self, key: Item, is_written: bool) -> bool:
        """Tell whether the request is about the item of a key; see the module."""
        if key == self._key:
            return True
        is_named = not self._is_named and {str(*wire.values()) for wire in key.values()} <= self.texts
        if is_named or (self._key is None and is_written):
            self._key, self._is_named = key, is_named
            self._match, self._none_match = self._asked
            return True
        return False

    def _version(self, binding: Binding, key: Item) -> int | None:
        """Return the version that a write which nobody read for is about."""
        assert self._match is not None
        if len(self._match.listed) == 1:
            return next(iter(self._match.listed))
        found: Mapping[str, Any] | None = binding.database.call(
            "GetItem", binding.request(Key=key, ConsistentRead=True)
        ).get("Item")
        if found is None:
            raise PreconditionFailed(f"there is no {binding.describe(key)}, and If-Match asks for one")
        version = found.get(str(binding.definition.version))
        return None if version is None else int(read_number(version["N"]))


#: That of the request which is served.
current: ContextVar[Precondition | None] = ContextVar("pymacaron_dynamodb_precondition", default=None)
