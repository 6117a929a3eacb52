"""A service to load: the pets of `serving`, some slow, some wrong, and one that stalls."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, jsonify, request

from serving import PETS, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path


class Pets:
    """An app that serves the contract, one call after another.

    Attributes:
        seen: method, path with query, and the Authorization header of each call, less those of `/ping`.
        stall_at: the number of the call that takes a second; None for no stall.
        broken: whether pets lack their names.
    """

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str | None]] = []
        self.stall_at: int | None = None
        self.broken = False
        self._one = threading.Lock()
        self.app = Flask("pets")
        self.app.add_url_rule("/ping", "ping", lambda: jsonify({}))
        self.app.add_url_rule("/v1/pets", "list", self._list)
        self.app.add_url_rule("/v1/pets/mine", "mine", lambda: Response("Rex", content_type="text/plain"))
        self.app.add_url_rule("/v1/pets/<int(signed=True):number>", "get", self._get)
        self.app.add_url_rule(
            "/v1/pets/<int(signed=True):number>", "delete", lambda number: ("", 204), methods=["DELETE"]
        )
        self.app.before_request(self._note)

    def _note(self) -> None:
        if request.path == "/ping":
            return
        with self._one:
            self.seen.append((request.method, request.full_path.rstrip("?"), request.headers.get("Authorization")))
            if len(self.seen) - 1 == self.stall_at:
                time.sleep(1)

    def _list(self) -> Response:
        return jsonify([self._pet(1)])

    def _get(self, number: int) -> Any:
        return jsonify(self._pet(number)) if 0 < number < 10 else (jsonify({"error": "NO_PET"}), 404)

    def _pet(self, number: int) -> dict[str, Any]:
        return {"id": number} if self.broken else {"id": number, "name": "Rex"}

    def serve(self) -> AbstractContextManager[str]:
        """Serve it; yields its URL."""
        return served(self.app)


def write_contract(folder: Path) -> str:
    """Write the contract of the pets into a folder and return the file."""
    path = folder / "pets.json"
    path.write_text(json.dumps(PETS))
    return str(path)


def pets() -> Iterator[tuple[Pets, str]]:
    """Serve pets; yield them and their URL. For fixtures."""
    made = Pets()
    with made.serve() as url:
        yield made, url
