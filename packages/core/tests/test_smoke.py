"""One service from end to end; it also runs against the built wheel, away from this repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness import pym, running

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.smoke
def test_new_service_runs_and_answers(tmp_path: Path) -> None:
    """``pym init`` makes a service that checks, starts, authenticates, validates and answers."""
    made = pym(tmp_path, "init", "my-notes")
    assert made.returncode == 0, made.stderr
    folder = tmp_path / "my-notes"
    checked = pym(folder, "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    token = pym(folder, "token", "ann").stdout.strip()
    with running(folder, ["-m", "pymacaron.cli", "run"]) as server:
        headers = {"Authorization": f"Bearer {token}"}
        assert server.get("/version").json()["name"] == "my-notes"
        assert server.get("/auth/version").status_code == 401
        assert server.get("/auth/version", headers=headers).status_code == 200
        assert server.post("/v1/notes", json={"text": "buy milk"}).status_code == 401
        note = server.post("/v1/notes", json={"text": "buy milk"}, headers=headers)
        assert (note.status_code, note.json()) == (201, {"id": 1, "text": "buy milk", "author": "ann"})
        assert server.get("/v1/notes/1").json() == note.json()
        assert server.get("/v1/notes/2").json()["error"] == "NOTE_NOT_FOUND"
        assert server.post("/v1/notes", json={}, headers=headers).json()["errors"][0]["keyword"] == "required"
        assert "swagger-ui" in server.get("/doc/").text
        assert server.stop() == 0
