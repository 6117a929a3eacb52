"""The private folder that the processes of one service on one machine share while they run."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from .exceptions import AsyncConfigError

_KEY = 16
# A socket's path may have 104 bytes on macOS, of which servers add some while they bind it.
_LONGEST = 80


def runtime_folder(service: str, folder: Path) -> Path:
    """Return a folder of this user's alone, which any process of the service finds by the service's name and folder.

    It is below ``XDG_RUNTIME_DIR`` where that is set, else below the temporary folder, or ``/tmp`` where these have
    paths too long for a socket.

    Raises:
        AsyncConfigError: another user owns it, or may write to it.
    """
    root = _root()
    key = hashlib.sha256(f"{service}\0{folder.resolve()}".encode()).hexdigest()[:_KEY]
    for made in (root, root / key):
        made.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check(made)
    return root / key


def _root() -> Path:
    own = f"pymacaron-{os.getuid()}"
    given = os.environ.get("XDG_RUNTIME_DIR")
    places = [Path(given) / "pymacaron"] if given else []
    places += [Path(tempfile.gettempdir()) / own, Path("/tmp") / own]  # its owner is checked
    return next((place for place in places if len(os.fsencode(place)) + 1 + _KEY <= _LONGEST), places[-1])


def _check(folder: Path) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o022:
        raise AsyncConfigError(
            f"{folder} must be a folder that the user {os.getuid()} alone may write to; remove it, or set"
            " XDG_RUNTIME_DIR"
        )
