"""The private folder that the processes of one service on one machine share while they run."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from .exceptions import AsyncConfigError


def runtime_folder(service: str, folder: Path) -> Path:
    """Return a folder of this user's alone, which any process of the service finds by the service's name and folder.

    It is below ``XDG_RUNTIME_DIR`` where that is set, else below the temporary folder; its path is short enough for
    sockets.

    Raises:
        AsyncConfigError: another user owns it, or may write to it.
    """
    given = os.environ.get("XDG_RUNTIME_DIR")
    root = Path(given) / "pymacaron" if given else Path(tempfile.gettempdir()) / f"pymacaron-{os.getuid()}"
    key = hashlib.sha256(f"{service}\0{folder.resolve()}".encode()).hexdigest()[:16]
    for made in (root, root / key):
        made.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check(made)
    return root / key


def _check(folder: Path) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o022:
        raise AsyncConfigError(
            f"{folder} must be a folder that the user {os.getuid()} alone may write to; remove it, or set"
            " XDG_RUNTIME_DIR"
        )
