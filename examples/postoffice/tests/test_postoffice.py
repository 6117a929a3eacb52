"""The post office's own tests, against a server with its worker: pym test, or pytest --pym-target ."""

from uuid import uuid4

LETTER = {"to": "Ann", "text": "Dear Ann …", "stops": 2}


def test_delivers_a_letter(api, eventually):
    """A letter is taken at once; its task tells how far it is, and ends with the receipt."""
    bob = api.as_user("bob")
    taken = bob.deliver(LETTER)
    assert taken.status == 202
    where = taken.headers["Location"]
    ended = bob.get(f"{where}?wait=20").json()
    assert ended["state"] == "succeeded"
    receipt = bob.get(f"{where}/result").json()
    assert (receipt["to"], receipt["from"]) == ("Ann", "bob")
    assert receipt in bob.list_letters().json()


def test_tells_of_a_failure_in_the_error_format(api):
    """What the handler raises in the worker is what the task tells, as the endpoint would have."""
    bob = api.as_user("bob")
    where = bob.deliver({**LETTER, "to": "Nobody"}).headers["Location"]
    ended = bob.get(f"{where}?wait=20").json()
    assert (ended["state"], ended["error"]["error"]) == ("failed", "NOBODY_THERE")


def test_tasks_are_their_owners(api):
    """Nobody else sees a task; a wrong letter is refused before there is one."""
    where = api.as_user("bob").deliver(LETTER).headers["Location"]
    assert api.as_user("eve").get(where).json()["error"] == "NO_SUCH_TASK"
    assert api.as_user("bob").deliver({"to": ""}).status == 400


def test_cancels_a_letter(api, eventually):
    """A letter on its way is stopped."""
    bob = api.as_user("bob")
    where = bob.deliver({**LETTER, "stops": 100}).headers["Location"]
    assert bob.delete(where).status in (202, 204)
    eventually(lambda: bob.get(where).json()["state"] == "cancelled", within=20)


def test_stamps_in_the_background(api):
    """The same letter is not stamped twice at a time."""
    letter, bob = str(uuid4()), api.as_user("bob")
    first = bob.stamp(letter_id=letter, jammed=True).json()
    assert bob.stamp(letter_id=letter, jammed=True).json() == first
