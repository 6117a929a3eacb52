"""The tool shed's own tests, on the app in this process. Run them with: python -m pytest"""

import io
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))

from server import app
from shed.store import shed

from pymacaron import generate_token

DRILL = {"kind": "PowerTool", "name": "Drill", "watts": 650, "tags": ["loud"], "deposit": "20.00"}


@pytest.fixture
def client():
    shed.__init__()
    return app.test_client()


def auth(user="ann"):
    return {"Authorization": f"Bearer {generate_token(user)}"}


def bring(client, **tool):
    made = client.post("/v1/tools", json={**DRILL, **tool}, headers=auth())
    assert made.status_code == 201, made.text
    return made


def test_brings_and_lists_tools(client):
    """A tool gets a number and an owner, and is found by kind and tags."""
    made = bring(client)
    assert made.json == {"id": 1, "owner": "ann", **DRILL}
    assert made.headers["Location"] == "/v1/tools/1"
    bring(client, kind="HandTool", name="Saw", tags=[])
    assert [t["name"] for t in client.get("/v1/tools?kind=PowerTool").json] == ["Drill"]
    assert [t["name"] for t in client.get("/v1/tools?tags=loud").json] == ["Drill"]


def test_refuses_a_wrong_tool_with_every_fault(client):
    """A subtype's own rules hold, and all faults are told at once."""
    refused = client.post("/v1/tools", json={**DRILL, "watts": 0, "tags": ["LOUD"], "deposit": "1"}, headers=auth())
    assert refused.status_code == 400
    assert {e["pointer"] for e in refused.json["errors"]} == {"/watts", "/tags/0", "/deposit"}
    assert client.post("/v1/tools", json=DRILL).status_code == 401


def test_keeps_a_photo(client):
    """A photo is uploaded as a form's file and comes back as it was."""
    bring(client)
    form = {"photo": (io.BytesIO(b"\x89PNG"), "drill.png"), "caption": "new"}
    kept = client.put("/v1/tools/1/photo", data=form, headers=auth())
    assert kept.json == {"bytes": 4, "caption": "new"}
    assert client.get("/v1/tools/1/photo").data == b"\x89PNG"


def test_lends_a_tool_to_one_neighbour_at_a_time(client):
    """A lent tool is refused to others until it is back."""
    bring(client)
    loan = client.post("/v1/loans", json={"tool_id": 1, "days": 3}, headers=auth("bob")).json
    assert loan["borrower"] == "bob"
    assert loan["returned"] is None
    assert loan["deposit"] == "20.00"
    taken = client.post("/v1/loans", json={"tool_id": 1, "days": 3}, headers=auth("eve"))
    assert (taken.status_code, taken.json["error"]) == (409, "TOOL_IS_LENT")
    back = client.post(f"/v1/loans/{loan['id']}/return", json={"state": "fine"}, headers=auth("bob"))
    assert back.json["condition"] == {"state": "fine"}
    assert client.post("/v1/loans", json={"tool_id": 1, "days": 3}, headers=auth("eve")).status_code == 201


def test_tells_what_is_wrong_with_a_condition(client):
    """The branch that the discriminator names gives the error."""
    bring(client)
    loan = client.post("/v1/loans", json={"tool_id": 1, "days": 3}, headers=auth("bob")).json
    refused = client.post(f"/v1/loans/{loan['id']}/return", json={"state": "damaged"}, headers=auth("bob"))
    assert [e["keyword"] for e in refused.json["errors"]] == ["required"]


def test_lists_only_the_callers_loans(client):
    """Loans belong to their borrowers; the export is a stream of all."""
    bring(client)
    client.post("/v1/loans", json={"tool_id": 1, "days": 3}, headers=auth("bob"))
    assert len(client.get("/v1/loans", headers=auth("bob")).json) == 1
    assert client.get("/v1/loans?overdue=true", headers=auth("bob")).json == []
    assert client.get("/v1/loans", headers=auth("eve")).json == []
    assert client.get("/v1/loans.csv").text.splitlines()[1].startswith("1,bob,")


def test_has_the_built_in_endpoints(client):
    """Every service answers /ping, /version and /auth/version."""
    assert client.get("/ping").json == {}
    assert client.get("/version").json["apis"] == ["loans", "tools"]
    assert client.get("/auth/version").status_code == 401
    assert client.get("/auth/version", headers=auth()).json["name"] == "toolshed"
