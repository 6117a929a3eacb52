"""``PyMacaronTestCase``: black-box tests in the manner of `unittest`, with or without pytest."""

from __future__ import annotations

import os
import unittest
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .current import current_channel
from .transcript import difference, masked_json

if TYPE_CHECKING:
    import requests

    from .channel import Channel
    from .response import Response

TIMEOUT = 50.0


class PyMacaronTestCase(unittest.TestCase):
    """Calls the service under test and asserts what comes back.

    The service is what pytest's ``--pym-target`` says, else ``PYM_SERVER_HOST`` and ``PYM_SERVER_PORT``. In every
    assertion ``path`` may come without its first slash, ``auth`` is the whole value of the ``Authorization`` header,
    and ``data`` is sent as JSON (a text or bytes as it is). A failure shows the call, with secrets masked, and a
    ``curl`` line that repeats it.

    Attributes:
        host: of the service.
        port: of the service, as text.
        token: from ``PYM_JWT_TOKEN``; None where that is not set.
        timeout: seconds to wait for an answer.
    """

    host: str | None = None
    port: str | None = None
    token: str | None = None
    timeout: float = TIMEOUT
    maxDiff = None
    channel: Channel

    def setUp(self) -> None:
        """Find the service under test."""
        self.channel = current_channel()
        parts = urlsplit(self.channel.target.base_url)
        self.host = parts.hostname
        self.port = str(parts.port or (443 if parts.scheme == "https" else 80))
        self.token = os.environ.get("PYM_JWT_TOKEN")

    # Any method

    def assertCallReturnJson(
        self, method: str, path: str, data: Any = None, auth: str | None = None, status: int = 200, **options: Any
    ) -> Any:
        """Assert that a call answers a status and JSON; return that."""
        response = self._call(method, path, data, auth, status, **options)
        return response.json()

    def assertCallReturnDict(
        self,
        method: str,
        path: str,
        kv: dict[str, Any],
        data: Any = None,
        auth: str | None = None,
        status: int = 200,
        **options: Any,
    ) -> Any:
        """Assert that a call answers a JSON object that has the keys and values of ``kv``, among others; return it."""
        response = self._call(method, path, data, auth, status, **options)
        body = response.json()
        if not isinstance(body, dict):
            self.fail(f"the body is no JSON object\n{response.transcript()}")
        seen = {key: body[key] for key in kv if key in body}
        if seen != kv:
            shown = difference(masked_json(kv), masked_json(seen))
            self.fail(f"the body differs in these keys:\n{shown}\n{response.transcript()}")
        return body

    def assertCallReturnOk(
        self, method: str, path: str, data: Any = None, auth: str | None = None, **options: Any
    ) -> Any:
        """Assert that a call answers 200 and ``{}``."""
        response = self._call(method, path, data, auth, 200, **options)
        body = response.json()
        if body != {}:
            self.fail(f"the body is not {{}}:\n{difference({}, masked_json(body))}\n{response.transcript()}")
        return body

    def assertCallReturnError(
        self,
        method: str,
        path: str,
        status: int,
        code: str,
        data: Any = None,
        auth: str | None = None,
        **options: Any,
    ) -> Any:
        """Assert that a call answers an error of a status and code, in PyMacaron's format or as problem details."""
        response = self._call(method, path, data, auth, status, **options)
        body = response.json()
        seen = (body.get("error") or body.get("code")) if isinstance(body, dict) else None
        if seen != code:
            self.fail(f"the error is {seen!r}, not {code!r}\n{response.transcript()}")
        return body

    def assertCallReturnHtml(
        self, method: str, path: str, data: Any = None, auth: str | None = None, status: int = 200, **options: Any
    ) -> str:
        """Assert that a call answers an HTML page; return its text. Redirects are followed."""
        return self._text("text/html", method, path, data, auth, status, {"allow_redirects": True, **options})

    def assertCallReturnText(
        self, method: str, path: str, data: Any = None, auth: str | None = None, status: int = 200, **options: Any
    ) -> str:
        """Assert that a call answers plain text; return it. Redirects are followed."""
        return self._text("text/plain", method, path, data, auth, status, {"allow_redirects": True, **options})

    def assertCallReturnRedirect(
        self,
        method: str,
        path: str,
        location: str | None = None,
        data: Any = None,
        auth: str | None = None,
        status: int | None = None,
        **options: Any,
    ) -> str:
        """Assert that a call answers a redirect (301, 302, 303, 307, 308); return its ``Location``.

        Args:
            location: what the header must be; any where it is None.
            status: the one that it must be; any of them where it is None.
        """
        response = self._call(method, path, data, auth, None, **options)
        wanted = (status,) if status is not None else (301, 302, 303, 307, 308)
        seen = response.headers.get("Location")
        if response.status not in wanted or seen is None:
            self.fail(f"it is no redirect ({', '.join(map(str, wanted))})\n{response.transcript()}")
        if location is not None and seen != location:
            self.fail(f"it redirects to {seen!r}, not to {location!r}\n{response.transcript()}")
        return seen

    # One method

    def assertGetReturnJson(self, path: str, status: int = 200, auth: str | None = None, **options: Any) -> Any:
        """Assert that GET answers a status and JSON; return that."""
        return self.assertCallReturnJson("GET", path, None, auth, status, **options)

    def assertPostReturnJson(
        self, path: str, data: Any, status: int = 200, auth: str | None = None, **options: Any
    ) -> Any:
        """Assert that POST answers a status and JSON; return that."""
        return self.assertCallReturnJson("POST", path, data, auth, status, **options)

    def assertDeleteReturnJson(self, path: str, status: int = 200, auth: str | None = None, **options: Any) -> Any:
        """Assert that DELETE answers a status and JSON; return that."""
        return self.assertCallReturnJson("DELETE", path, None, auth, status, **options)

    def assertGetReturnDict(
        self, path: str, kv: dict[str, Any], status: int = 200, auth: str | None = None, **options: Any
    ) -> Any:
        """Assert that GET answers an object with some keys and values; return it."""
        return self.assertCallReturnDict("GET", path, kv, None, auth, status, **options)

    def assertPostReturnDict(
        self, path: str, data: Any, kv: dict[str, Any], status: int = 200, auth: str | None = None, **options: Any
    ) -> Any:
        """Assert that POST answers an object with some keys and values; return it."""
        return self.assertCallReturnDict("POST", path, kv, data, auth, status, **options)

    def assertDeleteReturnDict(
        self, path: str, kv: dict[str, Any], status: int = 200, auth: str | None = None, **options: Any
    ) -> Any:
        """Assert that DELETE answers an object with some keys and values; return it."""
        return self.assertCallReturnDict("DELETE", path, kv, None, auth, status, **options)

    def assertGetReturnOk(self, path: str, auth: str | None = None, **options: Any) -> Any:
        """Assert that GET answers 200 and ``{}``."""
        return self.assertCallReturnOk("GET", path, None, auth, **options)

    def assertPostReturnOk(self, path: str, data: Any, auth: str | None = None, **options: Any) -> Any:
        """Assert that POST answers 200 and ``{}``."""
        return self.assertCallReturnOk("POST", path, data, auth, **options)

    def assertDeleteReturnOk(self, path: str, auth: str | None = None, **options: Any) -> Any:
        """Assert that DELETE answers 200 and ``{}``."""
        return self.assertCallReturnOk("DELETE", path, None, auth, **options)

    def assertGetReturnError(self, path: str, status: int, code: str, auth: str | None = None, **options: Any) -> Any:
        """Assert that GET answers an error of a status and code."""
        return self.assertCallReturnError("GET", path, status, code, None, auth, **options)

    def assertPostReturnError(
        self, path: str, data: Any, status: int, code: str, auth: str | None = None, **options: Any
    ) -> Any:
        """Assert that POST answers an error of a status and code."""
        return self.assertCallReturnError("POST", path, status, code, data, auth, **options)

    def assertDeleteReturnError(
        self, path: str, status: int, code: str, auth: str | None = None, **options: Any
    ) -> Any:
        """Assert that DELETE answers an error of a status and code."""
        return self.assertCallReturnError("DELETE", path, status, code, None, auth, **options)

    # What every service has

    def assertIsVersion(self, body: Any) -> None:
        """Assert that a value is what ``/version`` answers."""
        missing = [key for key in ("name", "version", "apis", "pym_env") if key not in dict(body)]
        if missing:
            self.fail(f"the answer of /version lacks {', '.join(missing)}: {body}")

    def assertHasPing(self, **options: Any) -> None:
        """Assert that ``GET /ping`` answers ``{}``."""
        self.assertGetReturnOk("/ping", **options)

    def assertHasVersion(self, **options: Any) -> None:
        """Assert that ``GET /version`` answers name, version, APIs and environment."""
        self.assertIsVersion(self.assertGetReturnJson("/version", **options))

    def assertHasAuthVersion(self, **options: Any) -> None:
        """Assert that ``GET /auth/version`` refuses calls without a token and with a wrong one, and takes ``token``."""
        self.assertGetReturnError("/auth/version", 401, "AUTHORIZATION_HEADER_MISSING", **options)
        for wrong in ("Bearer1234567890", "bearer foo bar", "Bearer 1234567890"):
            self.assertGetReturnError("/auth/version", 401, "TOKEN_INVALID", wrong, **options)
        if self.token is None:
            self.fail("there is no token to call /auth/version with; set PYM_JWT_TOKEN, or run pym test")
        self.assertIsVersion(self.assertGetReturnJson("/auth/version", 200, f"Bearer {self.token}", **options))

    def _call(
        self, method: str, path: str, data: Any, auth: str | None, status: int | None, **options: Any
    ) -> Response:
        headers = {"Authorization": auth} if auth else {}
        request: requests.Request = self.channel.make(method, path, data, headers=headers)
        if isinstance(data, (str, bytes)):
            request.headers["Content-Type"] = "application/json"
        if options.pop("verify_ssl", True) is False:
            self.channel.target.session().verify = False
        response = self.channel.send(request, timeout=self.timeout, **options)
        if status is not None and response.status != status:
            self.fail(f"the status is {response.status}, not {status}\n{response.transcript()}")
        return response

    def _text(
        self,
        kind: str,
        method: str,
        path: str,
        data: Any,
        auth: str | None,
        status: int,
        options: dict[str, Any],
    ) -> str:
        response = self._call(method, path, data, auth, status, **options)
        if response.media_type != kind:
            self.fail(
                f"the content type is {response.headers.get('Content-Type')!r}, not {kind}\n{response.transcript()}"
            )
        return response.text
