"""The tool shed's own tests, black-box: they run on the app, on a server, in a container and live.

`pytest` tests the app in its own process, `pytest --pym-target .` a server that is started from this folder,
`pytest --pym-target http://…` whatever answers there; `--pym-cov` tells how much of the contracts they exercise.
"""

import io
from uuid import uuid4

import pytest

DRILL = {"kind": "PowerTool", "name": "Drill", "watts": 650, "deposit": "20.00"}
SAW = {"kind": "HandTool", "name": "Saw", "sharpened": None}
PHOTO = b"\x89PNG\r\n"


@pytest.fixture
def tag():
    """Return a tag that no other test has, so that the shed need not be empty."""
    return f"t{uuid4().hex}"


@pytest.fixture
def drill(api, tag):
    """Bring a drill and return it."""
    made = api.as_user("ann").add_tool({**DRILL, "tags": [tag, "loud"]})
    assert made.status == 201
    return made.json()


@pytest.fixture
def loan(api, drill):
    """Lend the drill to Bob and return the loan."""
    made = api.as_user("bob").borrow({"tool_id": drill["id"], "days": 3})
    assert made.status == 201
    return made.json()


def test_brings_tools(api, drill, tag):
    """A tool gets a number and an owner, and stands where Location says."""
    assert drill == {"id": drill["id"], "owner": "ann", "tags": [tag, "loud"], **DRILL}
    location = api.calls[-1].headers["Location"]
    assert api.get(location).json() == drill
    assert api.get_tool(tool_id=drill["id"]).model.watts == 650


def test_lists_tools(api, drill, tag):
    """Tools are found by kind and by all of some tags, no more of them than asked for."""
    saw = api.as_user("ann").add_tool({**SAW, "tags": [tag]}).json()
    both = api.list_tools(tags=[tag])
    assert both.json() == [drill, saw]
    assert api.list_tools(tags=[tag], kind="HandTool").json() == [saw]
    assert api.list_tools(tags=[tag, "loud"]).json() == [drill]
    assert api.list_tools(tags=[tag], limit=1).json() == [drill]
    assert api.list_tools(kind="Spoon").status == 400


def test_refuses_a_wrong_tool_with_every_fault(api):
    """A subtype's own rules hold, and all faults are told at once."""
    ann = api.as_user("ann")
    refused = ann.add_tool({**DRILL, "watts": 0, "tags": ["LOUD"], "deposit": "1"})
    assert refused.status == 400
    assert {e["pointer"] for e in refused.json()["errors"]} == {"/watts", "/tags/0", "/deposit"}
    assert api.anonymous().add_tool(DRILL).status == 401


def test_keeps_a_photo(api, drill):
    """A photo is uploaded as a form's file and comes back as it was."""
    number = drill["id"]
    assert api.get_photo(tool_id=number).status == 404
    kept = api.as_user("ann").set_photo(tool_id=number, photo=io.BytesIO(PHOTO), caption="new")
    assert kept.json() == {"bytes": len(PHOTO), "caption": "new"}
    assert api.get_photo(tool_id=number).content == PHOTO
    assert api.as_user("ann").set_photo(tool_id=999999, photo=io.BytesIO(PHOTO)).status == 404


def test_lends_a_tool_to_one_neighbour_at_a_time(api, drill, loan):
    """A lent tool is refused to others until it is back."""
    assert (loan["borrower"], loan["returned"], loan["deposit"]) == ("bob", None, "20.00")
    eve = api.as_user("eve")
    taken = eve.borrow({"tool_id": drill["id"], "days": 3})
    assert (taken.status, taken.json()["error"]) == (409, "TOOL_IS_LENT")
    back = api.as_user("bob").bring_back({"state": "fine"}, loan_id=loan["id"])
    assert back.json()["condition"] == {"state": "fine"}
    assert back.model.returned >= back.model.since
    assert eve.borrow({"tool_id": drill["id"], "days": 3}).status == 201


def test_there_is_no_such_tool_or_loan(api, loan):
    """What is not there, or not yours, is a 404 with a code of its own."""
    bob, eve = api.as_user("bob"), api.as_user("eve")
    assert api.get_tool(tool_id=999999).json()["error"] == "TOOL_NOT_FOUND"
    assert bob.borrow({"tool_id": 999999, "days": 1}).json()["error"] == "TOOL_NOT_FOUND"
    assert eve.bring_back(loan_id=loan["id"]).json()["error"] == "LOAN_NOT_FOUND"


def test_tells_what_is_wrong_with_a_condition(api, loan):
    """The branch that the discriminator names gives the error; a damage is told with it."""
    bob = api.as_user("bob")
    refused = bob.bring_back({"state": "damaged"}, loan_id=loan["id"])
    assert [e["keyword"] for e in refused.json()["errors"]] == ["required"]
    back = bob.bring_back({"state": "damaged", "damage": "bent", "photo": "iVBO"}, loan_id=loan["id"])
    assert back.json()["condition"] == {"state": "damaged", "damage": "bent", "photo": "iVBO"}


def test_lists_only_the_callers_loans(api, loan):
    """Loans belong to their borrowers; the export is a stream of all."""
    mine = api.as_user("bob").my_loans().json()
    assert loan in mine
    assert loan not in api.as_user("bob").my_loans(overdue=True).json()
    assert loan in api.as_user("bob").my_loans(overdue=False).json()
    assert api.as_user(f"nobody-{uuid4()}").my_loans().json() == []
    assert f"\n{loan['tool_id']},bob," in api.export_loans().text


def test_has_the_built_in_endpoints(api):
    """Every service answers /ping, /version and /auth/version."""
    assert api.get("/ping").json() == {}
    assert api.get("/version").json()["apis"] == ["loans", "tools"]
    assert api.anonymous().get("/auth/version").status == 401
    assert api.as_user("ann").get("/auth/version").json()["name"] == "toolshed"
