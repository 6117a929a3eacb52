"""Requests made to hurt: mutated bodies, paths, queries and headers, all from one seed."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

#: A password that no error may show.
SECRET = "hunter22"

METHODS = ("GET", "GET", "POST", "POST", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH")
TYPES = (
    "application/json", "application/json", "application/json; charset=utf-8", "application/vnd.tree+json",
    "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "multipart/form-data", "text/plain",
    "application/octet-stream", "application/xml", "", "json", "*/*", "text/\x00", "application/json;" + "a=b;" * 500,
)  # fmt: skip
TEXTS = (
    "", "a", "x", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "a" * 5000, "\x00", "\u202e\U0001f600", "null", "true",
    "NaN", "-1", "1e999", "9" * 400, "0x10", "1.0", "2020-02-30T00:00:00Z", "2016-12-31T23:59:60Z",
    "0000-01-01T00:00:00Z",
    "../../etc/passwd", "%00", "%2f", "%ff%fe", "a%20b", "[", "{}", '{"a":1}', "a,b,c", "a|b", ";a=b", ".a.b",
    "7d444840-9dc0-11d1-b245-5ffdce74fad2", "YWJj", "=", "plain", "deep", "wild", "5", "a@b.co",
)  # fmt: skip
KEYS = (
    "tag", "look", "mail", "when", "octets", "number", "huge", "secret", "choice", "tree", "value", "next", "many",
    "name", "ages", "file", "__class__", "__proto__", "to_json", "_extra", "x-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "",
    "\u00e9", "q", "filter", "filter[next][value]", "filter[next][next]", "filter[", "spread", "a", "b", "json", "pym:",
)  # fmt: skip


@dataclass
class Hostile:
    """One request, as a WSGI server would hand it over."""

    method: str
    path: str
    query: str = ""
    content_type: str = ""
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    length: str | None = None


class Maker:
    """Makes requests from a random number generator."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def pick(self, values: Any) -> Any:
        return self.random.choice(values)

    def request(self) -> Hostile:
        """Make the next request."""
        kind = self.random.random()
        headers = {self.pick(("HTTP_ACCEPT", "HTTP_COOKIE", "HTTP_X_DATES", "HTTP_AUTHORIZATION")): self.header()}
        made = Hostile(self.pick(METHODS), self.path(), self.query(), headers=headers)
        if made.method not in ("GET", "HEAD", "OPTIONS") or kind < 0.1:
            made.content_type = self.pick(TYPES)
            made.body = self.body(made.content_type)
            if kind > 0.95:
                made.length = self.pick(("", "-1", "abc", "99999999999999999999", "0", "\u0665"))
        return made

    def path(self) -> str:
        if self.random.random() < 0.8:
            return f"/things/{self.pick(('plain', 'deep', 'wild'))}/{self.pick(('5', '-7', '0012'))}"
        parts = [self.pick(("things", "doc", "", "ping", self.text())), self.text(), self.text()]
        return "/" + "/".join(parts[: self.pick((1, 3))])

    def text(self) -> str:
        return str(self.pick(TEXTS))

    def header(self) -> str:
        text = self.pick(
            (self.text(), "application/json", "*/*;q=x", "text/*;q=0, */*", "id=" + self.text(), "Bearer x")
        )
        return text.encode().decode("latin-1").replace("\n", "").replace("\r", "")

    def query(self) -> str:
        count = self.pick((0, 0, 1, 1, 2, 5, 2000))
        return "&".join(
            f"{quote(self.pick(KEYS))}={self.pick((quote(self.text()), self.text()))}" for _ in range(count)
        )

    def body(self, content_type: str) -> bytes:
        if "json" in content_type or not content_type:
            return self.damaged(self.json())
        if "urlencoded" in content_type:
            return self.query().encode("utf-8", "surrogatepass")
        if "multipart" in content_type:
            return self.damaged(b"".join(self.part() for _ in range(self.pick((0, 1, 3, 200)))) + b"--b--\r\n")
        return self.pick((b"", b"a" * 50000 + b"!", bytes(range(256)), self.text().encode()))

    def part(self) -> bytes:
        name = self.pick(KEYS).replace('"', "")
        file = self.pick(("", f'; filename="{self.pick(("a.txt", "", "../x"))}"'))
        value = self.text().encode()
        return b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n' % (
            name.encode(),
            file.encode(),
            value,
        )

    def json(self) -> bytes:
        kind = self.random.random()
        if kind < 0.05:
            return self.pick(
                (b'{"next":' * 150 + b"{}" + b"}" * 150, b"[" * 100_000, b'{"next":' * 5000, b'"' + b"\\" * 999)
            )
        if kind < 0.08:
            return b'{"tag":"x","choice":[' + b",".join(b"%d" % (i % 900) for i in range(40_000)) + b"]}"
        if kind < 0.1:
            return b'{"tag":1,"choice":[' + b",".join([b'"bad"'] * 40_000) + b"]}"
        return json.dumps(self.value(0), ensure_ascii=self.pick((True, False))).encode("utf-8", "surrogatepass")

    def value(self, depth: int) -> Any:
        kind = self.random.random()
        if depth == 0 or (kind < 0.3 and depth < 6):
            made = {self.pick(KEYS): self.value(depth + 1) for _ in range(self.pick((0, 1, 3, 8)))}
            return made | ({"secret": self.pick((SECRET, [SECRET], {"a": SECRET}))} if "secret" in made else {})
        if kind < 0.4 and depth < 6:
            return [self.value(depth + 1) for _ in range(self.pick((0, 1, 3, 30)))]
        numbers = (0, -1, 3, 1.5, 0.07, 1e308, 10**30, -(10**40), 2**63, True, False, None, 3.0)
        return self.pick((self.text(), self.text(), *numbers))

    def damaged(self, data: bytes) -> bytes:
        kind = self.random.random()
        if kind < 0.8 or not data:
            return data
        at = self.random.randrange(len(data))
        if kind < 0.9:
            return data[:at] + bytes([self.random.randrange(256)]) + data[at + 1 :]
        return data[:at] if kind < 0.95 else data + data[at:]
