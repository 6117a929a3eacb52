"""The settings of the database: where each comes from, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pymacaron.config import KEYS as CORE_KEYS
from pymacaron.config import Config, load_config
from pymacaron_dynamodb.exceptions import TableConfigError
from pymacaron_dynamodb.settings import EMBEDDED, EMBEDDED_REGION, KEYS, Settings, read_settings


def read(**values: Any) -> Settings:
    """Read the settings of a configuration."""
    return read_settings(Config(values))


def test_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no key at all everything is AWS's, found by boto3's chain, with bounded timeouts and retries."""
    monkeypatch.setenv("PYM_ENV", "prod")
    assert read() == Settings(
        embedded=False,
        folder=Path.cwd().resolve(),
        endpoint=None,
        region=None,
        access_key=None,
        secret_key=None,
        table_prefix="",
        connect_timeout=3.0,
        read_timeout=10.0,
        max_attempts=4,
        retry_mode="adaptive",
        max_pool_connections=50,
        cursor_secret=None,
        create_tables=False,
    )


def test_keys() -> None:
    """Each key has a meaning, and none is another one's of PyMacaron."""
    assert all(meaning for _, meaning in KEYS.values())
    assert not set(KEYS) & set(CORE_KEYS)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"dynamodb_region": "a", "aws_region": "b", "aws_default_region": "c"}, "a"),
        ({"aws_region": "b", "aws_default_region": "c"}, "b"),
        ({"aws_default_region": "c"}, "c"),
        ({}, "d"),
        ({"dynamodb": EMBEDDED, "aws_region": "b"}, "b"),
        ({"dynamodb": EMBEDDED}, EMBEDDED_REGION),
    ],
)
def test_region(values: dict[str, Any], wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest key names the region, then the environment; a private engine does not care for that."""
    monkeypatch.setenv("AWS_REGION", "d")
    assert read(**values).region == wanted


def test_older_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that a service keeps in env_secrets under the older names are used, and never shown."""
    path = tmp_path / "pym-config.yaml"
    path.write_text(
        "env_secrets: [AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY]\n"
        "aws_access_key_id: AWS_ACCESS_KEY_ID\naws_secret_access_key: AWS_SECRET_ACCESS_KEY\n"
    )
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
    found = read_settings(load_config(path))
    assert (found.access_key, found.secret_key) == ("AKIAEXAMPLE", "wJalrXUtnFEMI")
    assert "wJalrXUtnFEMI" not in repr(found)
    assert "AKIAEXAMPLE" not in repr(found)


def test_embedded() -> None:
    """A private engine gets no real credentials, and its tables are made at start unless a key says no."""
    found = read(dynamodb=EMBEDDED, aws_access_key_id="AKIAEXAMPLE", aws_secret_access_key="secret")
    assert (found.embedded, found.access_key, found.secret_key) == (True, EMBEDDED, EMBEDDED)
    assert found.create_tables
    assert not read(dynamodb=EMBEDDED, dynamodb_create_tables=False).create_tables
    assert read(dynamodb_create_tables=True).create_tables


def test_embedded_is_for_development(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anywhere else a private engine is refused: its data would be on that machine alone."""
    monkeypatch.setenv("PYM_ENV", "prod")
    with pytest.raises(TableConfigError, match="dynamodb is 'embedded', and PYM_ENV is 'prod': a private engine is"):
        read(dynamodb=EMBEDDED)


def test_cursor_secret() -> None:
    """Cursors are signed with a secret of their own, else with one that is made of jwt_secret and is not it."""
    assert read(dynamodb_cursor_secret="sixteen characters").cursor_secret == b"sixteen characters"
    made = read(jwt_secret="one").cursor_secret
    assert made == read(jwt_secret="one").cursor_secret != read(jwt_secret="two").cursor_secret
    assert made is not None
    assert len(made) == 32


def test_cursor_secret_of_development(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In development one is made of the key that its tokens have, where no other is named; never elsewhere."""
    made = read().cursor_secret
    assert made is not None
    assert made == read().cursor_secret == read(jwt_secret=(tmp_path / ".pym" / "jwt_secret").read_text()).cursor_secret
    monkeypatch.setenv("PYM_ENV", "prod")
    assert read().cursor_secret is None
    monkeypatch.delenv("PYM_ENV")
    monkeypatch.setattr(Config, "folder", Path("/proc"))
    assert read().cursor_secret is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"dynamodb": "embeded"}, "dynamodb is 'embeded'; it must be 'embedded' or left out"),
        ({"dynamodb": True}, "dynamodb is True; it must be"),
        ({"dynamodb_endpoint": "localhost:8000"}, "'localhost:8000'; it must be a URL such as http://127.0.0.1:8000"),
        ({"dynamodb_endpoint": 8000}, "dynamodb_endpoint is 8000; it must be a URL"),
        ({"dynamodb": EMBEDDED, "dynamodb_endpoint": "http://db:8000"}, "leave one out"),
        ({"dynamodb_region": 1}, "dynamodb_region is 1; it must be a region"),
        ({"aws_default_region": ""}, "aws_default_region is ''; it must be a region"),
        ({"aws_access_key_id": "A"}, "there is aws_access_key_id but no aws_secret_access_key; set both"),
        ({"aws_secret_access_key": "A"}, "there is aws_secret_access_key but no aws_access_key_id"),
        ({"dynamodb_table_prefix": "a b"}, "dynamodb_table_prefix is 'a b'; it may have letters"),
        ({"dynamodb_table_prefix": 5}, "dynamodb_table_prefix is 5"),
        ({"dynamodb_connect_timeout": 0}, "dynamodb_connect_timeout is 0; it must be a number above 0: seconds"),
        ({"dynamodb_read_timeout": "10"}, "dynamodb_read_timeout is '10'"),
        ({"dynamodb_read_timeout": True}, "dynamodb_read_timeout is True"),
        ({"dynamodb_read_timeout": float("inf")}, "dynamodb_read_timeout is inf"),
        ({"dynamodb_max_attempts": 0}, "dynamodb_max_attempts is 0; it must be a whole number, 1 or more"),
        ({"dynamodb_max_attempts": 1.5}, "dynamodb_max_attempts is 1.5"),
        ({"dynamodb_retry_mode": "legacy"}, "dynamodb_retry_mode is 'legacy'; it must be 'adaptive' or 'standard'"),
        ({"dynamodb_max_pool_connections": False}, "dynamodb_max_pool_connections is False"),
        ({"dynamodb_cursor_secret": "short"}, "must be a text of 16 characters or more"),
        ({"dynamodb_create_tables": "no"}, "dynamodb_create_tables is 'no'; it must be true or false"),
    ],
)
def test_wrong_values(values: dict[str, Any], message: str) -> None:
    """A wrong value is named with its key, and what it must be."""
    with pytest.raises(TableConfigError) as caught:
        read(**values)
    assert message in caught.value.message
    assert caught.value.message.startswith("pym-config: ")
