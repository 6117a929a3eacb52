"""What ``pym test`` tells the tests that it runs, through environment variables.

``PYM_TARGET`` is the target: a URL, or the app that runs in the tests' own process. ``PYM_SERVER_HOST``,
``PYM_SERVER_PORT`` and ``PYM_JWT_TOKEN`` are for suites that read those. ``PYM_TARGET_FOLDER`` or
``PYM_TARGET_CONTAINER`` ("engine id") say what stands behind a URL, so that its contracts are known and tokens can be
made.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .tokens import TOKEN, RemoteSigner, folder_signer

if TYPE_CHECKING:
    from .target import Target

TARGET = "PYM_TARGET"
HOST = "PYM_SERVER_HOST"
PORT = "PYM_SERVER_PORT"
FOLDER = "PYM_TARGET_FOLDER"
CONTAINER = "PYM_TARGET_CONTAINER"
NAMES = (TARGET, HOST, PORT, FOLDER, CONTAINER)


@dataclass(frozen=True)
class Behind:
    """What stands behind a URL."""

    folder: Path | None
    signer: RemoteSigner | None


def variables(target: Target, token: str | None = None) -> dict[str, str]:
    """Return the variables that tell of a target."""
    from .app import AppTarget
    from .container import ContainerTarget

    if isinstance(target, AppTarget):
        found = {TARGET: target.name}
    else:
        url = urlsplit(target.base_url)
        port = url.port or (443 if url.scheme == "https" else 80)
        found = {TARGET: target.base_url, HOST: url.hostname or "", PORT: str(port)}
        if (folder := getattr(target, "folder", None)) is not None:
            found[FOLDER] = str(folder)
    if isinstance(target, ContainerTarget):
        found[CONTAINER] = f"{target.engine} {target.container_id}"
    if token is not None:
        found[TOKEN] = token
    return found


def received(url: str) -> Behind | None:
    """Return what stands behind a URL, where it is the one that was handed over with that."""
    if os.environ.get(TARGET) != url:
        return None
    if folder := os.environ.get(FOLDER):
        return Behind(Path(folder), folder_signer(Path(folder)))
    if container := os.environ.get(CONTAINER):
        from .container import container_signer

        engine, _, identity = container.partition(" ")
        return Behind(None, container_signer(engine, identity))
    return None
