"""The docs page: everything it needs comes from the service itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flask import Flask

from harness import CONTRACT, caller, make_api, openapi, write
from pymacaron import API
from pymacaron.config import Config, set_config

if TYPE_CHECKING:
    from pathlib import Path


def test_page_and_all_that_it_loads() -> None:
    """Each file that the page names is served, nothing comes from another host."""
    api = make_api(openapi({}), config={"name": "Shop <1>"})
    client = caller(api.publish_apis().app)
    page = client.get("/doc")
    assert (page.status_code, page.content_type) == (200, "text/html; charset=utf-8")
    assert "<title>Shop &lt;1&gt;</title>" in page.text
    assert "://" not in page.text
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(links) == 5
    for link in links:
        with client.get(link) as response:
            assert response.status_code == 200, link


def test_contract_is_served_as_json() -> None:
    """The page shows each contract of the service; built-in ones are left out."""
    document = openapi({})
    client = caller(make_api(document).publish_apis("/api/docs/").app)
    assert '"url":"/api/docs/shop.json"' in client.get("/api/docs/start.js").text
    assert "ping.json" not in client.get("/api/docs/start.js").text
    assert client.get("/api/docs/shop.json").json == document
    assert client.get("/api/docs/other.json").status_code == 404
    assert client.get("/api/docs/assets/nothing.js").status_code == 404
    assert client.get("/api/docs/assets/../docs.py").status_code == 404


def test_yaml_of_a_file(tmp_path: Path) -> None:
    """A yaml file becomes JSON with its values as yaml 1.2 reads them."""
    write(
        tmp_path, {"apis/notes.yaml": CONTRACT.replace("hello", "ping"), "handlers.py": "def ping(name): return {}\n"}
    )
    set_config(Config({"apis": str(tmp_path / "apis")}))
    api = API(Flask("x")).load_apis().publish_apis()
    assert caller(api.app).get("/doc/notes.json").json["info"] == {"title": "Greetings", "version": "0.1.0"}


def test_references_to_other_files_are_followed(tmp_path: Path) -> None:
    """A contract in several files is shown as one document: a browser cannot open the others."""
    files = {
        "apis/shop.yaml": """
            openapi: 3.1.0
            info: {title: Shop, version: "1"}
            paths:
              /items: {$ref: "parts/paths.yaml#/items"}
            components: {schemas: {Item: {$ref: "parts/item.yaml"}}}
        """,
        "apis/parts/paths.yaml": """
            items:
              get:
                operationId: list_items
                x-no-bind-server: true
                responses:
                  "200":
                    description: x
                    content: {application/json: {schema: {$ref: "item.yaml"}}}
        """,
        "apis/parts/item.yaml": "type: object\nproperties: {next: {$ref: 'item.yaml'}, size: {type: integer}}\n",
    }
    write(tmp_path, files)
    set_config(Config({"apis": str(tmp_path / "apis")}))
    api = API(Flask("x")).load_apis().publish_apis()
    text = caller(api.app).get("/doc/shop.json").text
    assert ".yaml" not in text
    assert '"operationId":"list_items"' in text
    assert '"size":{"type":"integer"}' in text


def test_docs_before_and_after_loading() -> None:
    """The page lists contracts that are loaded after it was published as well."""
    set_config(Config())
    api = API(Flask("x")).publish_apis()
    api.load_api("late", openapi({}))
    assert caller(api.app).get("/doc/late.json").status_code == 200
    assert "late.json" in caller(api.app).get("/doc/start.js").text
