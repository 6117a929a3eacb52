"""The docs page: Swagger UI over the service's contracts, all of it served from here."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, abort, send_from_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Flask

_EXTENSION = "pymacaron_docs"

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>{title}</title>
  <link rel="stylesheet" href="{base}/assets/swagger-ui.css">
  <link rel="icon" href="{base}/assets/favicon-32x32.png">
</head>
<body>
  <div id="docs"></div>
  <script src="{base}/assets/swagger-ui-bundle.js"></script>
  <script src="{base}/assets/swagger-ui-standalone-preset.js"></script>
  <script src="{base}/start.js"></script>
</body>
</html>
"""

_START = """window.onload = () => {{
  SwaggerUIBundle({{
    dom_id: "#docs",
    urls: {urls},
    presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
    layout: "StandaloneLayout",
    validatorUrl: null,
  }});
}};
"""


def assets_folder() -> Path:
    """Return the folder of Swagger UI's files, found without importing the package that carries them."""
    spec = find_spec("flask_swagger_ui")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "dist"


def add_docs(app: Flask, path: str, find: Callable[[], Mapping[str, Any]], title: str) -> None:
    """Serve the docs page, and each contract as JSON beside it.

    Args:
        app: the app.
        path: where the page goes, such as ``doc``.
        find: returns files or documents by API name, as they are when the page is read.
        title: of the page.
    """
    import msgspec
    from markupsafe import escape

    base = "/" + path.strip("/")
    pages = Blueprint(f"pym_docs_{path.strip('/').replace('/', '_')}", __name__, url_prefix=base)

    @pages.get("/", strict_slashes=False)
    def page() -> Response:
        return Response(_PAGE.format(base=base, title=escape(title)), content_type="text/html; charset=utf-8")

    @pages.get("/start.js")
    def script() -> Response:
        urls = [{"name": name, "url": f"{base}/{name}.json"} for name in sorted(find())]
        start = _START.format(urls=msgspec.json.encode(urls).decode())
        return Response(start, content_type="text/javascript; charset=utf-8")

    @pages.get("/assets/<path:name>")
    def asset(name: str) -> Response:
        return send_from_directory(assets_folder(), name, max_age=86400)

    @pages.get("/<name>.json")
    def contract(name: str) -> Response:
        source = find().get(name)
        if source is None:
            abort(404)
        return Response(contract_json(source), content_type="application/json")

    app.register_blueprint(pages)
    app.extensions[_EXTENSION] = base


def docs_path(app: Flask) -> str | None:
    """Return the path of an app's docs page; None where it has none."""
    found: str | None = app.extensions.get(_EXTENSION)
    return found


def contract_json(source: Any) -> bytes:
    """Return a contract as one JSON document."""
    import msgspec

    from pymacaron.spec.bundling import bundle

    return msgspec.json.encode(source if isinstance(source, dict) else bundle(source))
