"""A call as text shows everything but secrets, and can be repeated."""

from __future__ import annotations

import json
import shlex
import subprocess
from typing import TYPE_CHECKING, Any

import requests
from hypothesis import given
from hypothesis import strategies as st

from pymacaron_unit import Api
from pymacaron_unit.response import Response
from pymacaron_unit.transcript import difference, masked_json, masked_url
from serving import answering

if TYPE_CHECKING:
    import pytest


def test_masks_what_carries_a_credential() -> None:
    """Tokens, cookies, passwords and what the contract marks are shown neither as sent nor in the curl line."""
    with answering(checked=False) as (answers, channel):
        answers.give(
            {"id": 1, "name": "Rex", "chip": "c-4711", "nested": [{"password": "p-4711", "pin": None}]},
            201,
            Set_Cookie="sid=s-4711",
        )
        api = Api(channel).with_token("t-4711")
        response = api.createPet({"name": "Rex", "chip": "c-4711", "api_key": "k-4711"}, headers={"Cookie": "a=x-4711"})
        text = response.transcript()
        found = api.getPet(pet_id=1).request
        assert found.url is not None
        found.url += "?chip_code=q-4711&access_token=r-4711&n=1"
        text += api.calls[-1].transcript()
    assert "4711" not in text
    assert '"name": "Rex"' in text
    assert '"pin": null' in text
    assert "Authorization: Bearer ***" in text
    assert '-H "Authorization: Bearer $PYM_JWT_TOKEN"' in text
    assert "?chip_code=***&access_token=***&n=1" in text


def test_masks_forms() -> None:
    """Fields of urlencoded and multipart forms are masked by their names."""
    with answering(checked=False) as (answers, channel):
        answers.give({})
        api = Api(channel)
        text = api.post("/login", data={"user": "ann", "password": "p-4711"}).transcript()
        text += api.post("/login", files={"password": (None, "p-4711"), "user": (None, "ann")}).transcript()
    assert "4711" not in text
    assert "user=ann&password=***" in text
    assert text.count("ann") >= 2


def test_curl_line_sends_the_same_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The curl line, run by a shell, makes the service see the same request."""
    body = {"name": 'it\'s $HOME "x"; \\n', "née": "ü😀"}
    with answering(checked=False) as (answers, channel):
        answers.give({"ok": True})
        api = Api(channel).with_token("abc")
        response = api.post("/v1/pets", body, params={"q": "a'b c"}, headers={"X-Odd": "it's"})
        monkeypatch.setenv("PYM_JWT_TOKEN", "abc")
        line = response.transcript().rpartition("repeat it with: ")[2]
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True, timeout=30)
        first, second = answers.seen
    assert json.loads(done.stdout.splitlines()[-1]) == {"ok": True}
    for part in ("method", "path", "query"):
        assert first[part] == second[part]
    assert json.loads(first["body"]) == json.loads(second["body"])
    for name in ("Authorization", "X-Odd", "Content-Type"):
        assert first["headers"][name] == second["headers"][name]


def test_bodies_of_any_kind() -> None:
    """Binary bodies are counted, long ones cut, and junk that calls itself JSON is shown as it is."""
    with answering(checked=False) as (answers, channel):
        answers.give(b"\xff\xfe\0", Content_Type="application/json")
        assert "< (3 bytes that are no text)" in Api(channel).post("/x", b"\0\1").transcript()
        answers.next.clear()
        answers.give("x" * 9000)
        assert "… (5000 more characters)" in Api(channel).get("/x").transcript()


def _call(body: bytes, name: str, value: str) -> Response:
    answer = requests.Response()
    answer.status_code = 200
    answer._content = body
    answer.headers["X-Any"] = "1"
    answer.request = requests.Request("POST", "http://h/x", params={name: value}, data=body).prepare()
    return Response(answer)


@given(body=st.binary(max_size=60) | st.text(max_size=60).map(lambda t: t.encode(errors="replace")), name=st.text())
def test_any_bytes_make_a_transcript(body: bytes, name: str) -> None:
    """Whatever is sent and answered, the transcript is made, and its curl line is one that a shell can split."""
    text = _call(body, name, "v").transcript()
    assert shlex.split(text.rpartition("repeat it with: ")[2].replace("\0", ""))[0] == "curl"


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(value=JSON)
def test_masking_keeps_the_shape(value: Any) -> None:
    """A masked value has no secret, the rest of it stays, and masking it again changes nothing."""
    secret = {"outer": [{"password": value if value is not None else 1, "kept": value}]}
    masked = masked_json(secret)
    assert masked["outer"][0]["password"] == "***"
    assert masked["outer"][0]["kept"] == masked_json(value)
    assert masked_json(masked) == masked


def test_urls() -> None:
    """A password in a URL's authority is masked; the rest of the URL stays."""
    assert masked_url("https://ann:pw@h:1/p?token=x&a=b") == "https://ann:***@h:1/p?token=***&a=b"
    assert masked_url("https://h/p?password=") == "https://h/p?password="


def test_difference() -> None:
    """Only lines that differ are marked, whatever the order of keys."""
    assert difference({"a": 1, "b": 2}, {"b": 3, "a": 1}).splitlines()[-3:] == ['-  "b": 2', '+  "b": 3', " }"]
