"""Calls by method and path and by operation arrive as they were meant."""

from __future__ import annotations

import io
import json
from contextlib import ExitStack
from typing import Any

import pytest

from pymacaron_unit import Api, NoContractError, TargetError
from pymacaron_unit.channel import Channel
from pymacaron_unit.targets import UrlTarget
from serving import PETS, answering

NOBODY = "http://127.0.0.1:1"


def test_a_call_by_path() -> None:
    """Method, path, query, headers and a JSON body are sent."""
    with answering(checked=False) as (answers, channel):
        answers.give({})
        Api(channel).post("v1/pets", {"name": "Réx"}, params={"dry_run": "true"}, headers={"X-Trace-Id": "7"})
        (seen,) = answers.seen
    assert (seen["method"], seen["path"], seen["query"]) == ("POST", "/v1/pets", "dry_run=true")
    assert (json.loads(seen["body"]), seen["headers"]["X-Trace-Id"]) == ({"name": "Réx"}, "7")


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "head", "options"])
def test_every_method(method: str) -> None:
    """Each method has a function of its name."""
    with answering(checked=False) as (answers, channel):
        answers.give({})
        assert getattr(Api(channel), method)("/x").status == 200
        assert answers.seen[0]["method"] == method.upper()


def test_a_call_by_operation() -> None:
    """The body comes first, parameters by their name or argument; lists and booleans are written as declared."""
    with answering(checked=False) as (answers, channel):
        answers.give({})
        api = Api(channel)
        api.createPet({"name": "Rex"}, dry_run=True, x_trace_id="a b")
        api.call("listPets", tag=["a", "b&c"])
        api.getPet(pet_id=7)
        first, second, third = answers.seen
    assert (first["query"], first["headers"]["X-Trace-Id"]) == ("dry_run=true", "a b")
    assert second["query"] == "tag=a&tag=b%26c"
    assert third["path"] == "/v1/pets/7"


def test_wrong_values_are_sent_on_purpose() -> None:
    """What the contract refuses is for the service to refuse: nothing is checked before it is sent."""
    with answering(checked=False) as (answers, channel):
        answers.give({}, 400)
        api = Api(channel)
        api.createPet({"name": 0}, dry_run="maybe?")
        api.createPet("no object")
        api.getPet(pet_id="a/b")
        assert [seen["query"] for seen in answers.seen] == ["dry_run=maybe%3F", "", ""]
        assert [json.loads(seen["body"] or b"null") for seen in answers.seen[:2]] == [{"name": 0}, "no object"]
        assert channel.calls[-1].request.path_url == "/v1/pets/a%2Fb"


def test_models_are_sent_as_json() -> None:
    """A model, alone or in a list, is written as its to_json."""
    with answering(checked=False) as (answers, channel):
        answers.give({"id": 1, "name": "Rex"}, 201)
        api = Api(channel)
        pet = api.createPet({"name": "Rex"}).model
        api.post("/v1/pets", {"many": [pet]})
        assert json.loads(answers.seen[1]["body"]) == {"many": [{"id": 1, "name": "Rex"}]}


FORM = {
    "swagger": "2.0",
    "info": {"title": "T", "version": "1"},
    "paths": {
        "/photo": {
            "put": {
                "operationId": "setPhoto",
                "consumes": ["multipart/form-data"],
                "parameters": [
                    {"name": "photo", "in": "formData", "type": "file"},
                    {"name": "caption", "in": "formData", "type": "string"},
                ],
                "responses": {"200": {"description": "ok"}},
            }
        }
    },
}


def test_forms_and_files() -> None:
    """Form parameters become fields, a file a part."""
    with answering(FORM, checked=False) as (answers, channel):
        answers.give({})
        Api(channel).setPhoto(photo=io.BytesIO(b"\x89PNG\0"), caption="ein Bär")
        (seen,) = answers.seen
    assert (seen["files"], seen["form"]) == ({"photo": b"\x89PNG\0"}, {"caption": ["ein Bär"]})


def test_unknown_operations_and_parameters() -> None:
    """A misspelt operation or parameter is told with the one that it could be."""
    with answering() as (answers, channel):
        api = Api(channel)
        with pytest.raises(AttributeError, match="did you mean 'createPet'"):
            api.createPets({})
        with pytest.raises(NoContractError, match="did you mean 'getPet'"):
            api.call("getPets")
        with pytest.raises(TypeError, match="createPet has no parameter 'dryrun'; did you mean 'dry_run'"):
            api.createPet({}, dryrun=True)
        with pytest.raises(TypeError, match="getPet needs pet_id=…"):
            api.getPet()
        assert answers.seen == []


def test_operations_without_a_contract() -> None:
    """Without a contract only calls by path are there, and that is said."""
    api = Api(Channel(UrlTarget(NOBODY)))
    with pytest.raises(AttributeError, match="no contract is known; give --pym-contract"):
        api.createPet({})


def test_users() -> None:
    """as_user sends a token of that user and scopes; anonymous takes it away; other headers stay."""

    def token(user_id: str, scopes: list[str], **claims: Any) -> str:
        return f"{user_id}-{'+'.join(scopes)}-{claims}"

    with answering(checked=False) as (answers, channel):
        answers.give({})
        api = Api(channel, token, {"X-Trace-Id": "1"})
        bob = api.as_user("bob", scopes=["read"], expire_in=5)
        for each in (bob, bob.anonymous(), api.with_token("t")):
            each.get("/x")
        seen = [call["headers"].get("Authorization") for call in answers.seen]
    assert seen == ["Bearer bob-read-{'expire_in': 5}", None, "Bearer t"]
    assert {call["headers"]["X-Trace-Id"] for call in answers.seen} == {"1"}


def test_cleanups_run_last_first_even_after_a_failure() -> None:
    """Every clean-up runs, the last one first; the first failure is raised in the end."""
    done: list[str] = []
    with answering() as (_, channel):
        stack = ExitStack()
        api = Api(channel, cleanups=stack)
        api.cleanup(done.append, "first")
        api.cleanup(lambda: 1 / 0)
        api.anonymous().cleanup(done.append, "last")
        with pytest.raises(ZeroDivisionError):
            stack.close()
    assert done == ["last", "first"]


def test_retries_only_where_stated() -> None:
    """A call is made again after 429, 502, 503 and 504 as often as it says, and never by itself."""
    with answering(checked=False) as (answers, channel):
        for status in (503, 503, 200):
            answers.give({}, status)
        assert Api(channel).get("/x").status == 503
        assert Api(channel).get("/x", retries=2).status == 200
        answers.next.clear()
        answers.give({}, 500)
        assert Api(channel).get("/x", retries=2).status == 500
        assert len(answers.seen) == 4


def test_nothing_answers() -> None:
    """A service that is not there is a TargetError that names call and target."""
    with pytest.raises(TargetError, match=r"did not answer GET http://127\.0\.0\.1:1/x"):
        Api(Channel(UrlTarget(NOBODY))).get("/x", retries=1)


def test_parameter_that_is_called_like_an_option() -> None:
    """A parameter named like an option of a call wins over the option."""
    document = {**PETS, "paths": {"/x": {"get": {**PETS["paths"]["/pets"]["get"], "operationId": "x"}}}}
    document["paths"]["/x"]["get"]["parameters"] = [{"name": "timeout", "in": "query", "schema": {"type": "integer"}}]
    with answering(document, checked=False) as (answers, channel):
        answers.give({})
        Api(channel).x(timeout=3)
        assert answers.seen[0]["query"] == "timeout=3"
