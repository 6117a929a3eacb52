"""The settings of the database: keys of pym-config, checked when they are read."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from pymacaron.auth import development_secret
from pymacaron.config import DEFAULT_ENV
from pymacaron.exceptions import ConfigError

from .exceptions import TableConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from pymacaron.config import Config

#: The value of the key ``dynamodb`` that asks for a private engine.
EMBEDDED = "embedded"
#: The region that a private engine takes itself to be in, where none is configured.
EMBEDDED_REGION = "us-east-1"

_PREFIX = re.compile(r"[A-Za-z0-9_.-]{0,128}")

#: Every key of pym-config that is ours: its default, and what it means.
KEYS: dict[str, tuple[Any, str]] = {
    "dynamodb": (None, "embedded: a private engine for development, its data in .pym/dynamodb; else AWS, or endpoint"),
    "dynamodb_endpoint": (None, "URL of DynamoDB; that of AWS in the region where this is left out"),
    "dynamodb_region": (None, "AWS region; aws_region, then AWS_REGION and boto3's chain where this is left out"),
    "aws_default_region": (None, "older name for aws_region"),
    "aws_access_key_id": (None, "older way to name credentials; boto3's chain where this is left out"),
    "aws_secret_access_key": (None, "goes with aws_access_key_id"),
    "dynamodb_table_prefix": ("", "what the names of all tables begin with"),
    "dynamodb_connect_timeout": (3.0, "seconds within which DynamoDB must accept a connection"),
    "dynamodb_read_timeout": (10.0, "seconds within which DynamoDB must answer"),
    "dynamodb_max_attempts": (4, "how often a request is sent at most, with growing, random pauses between"),
    "dynamodb_retry_mode": ("adaptive", "adaptive: after throttling, requests are also sent more slowly; or standard"),
    "dynamodb_max_pool_connections": (50, "connections that a process keeps open"),
    "dynamodb_cursor_secret": (None, "secret that cursors are signed with; made of jwt_secret where it is left out"),
    "dynamodb_create_tables": (None, "whether missing tables are created at start; true where dynamodb is embedded"),
}


@dataclass(frozen=True)
class Settings:
    """The settings of one service's database.

    Attributes:
        embedded: whether a private engine of the project is used; it is found, or started, when first needed.
        folder: the project's, which holds that engine's data.
        endpoint: None for that of AWS.
        region: None where boto3's chain is to find it.
        access_key: None where boto3's chain is to find credentials.
        max_attempts: the first one included.
        cursor_secret: None where there is nothing to make one of.
    """

    embedded: bool
    folder: Path
    endpoint: str | None
    region: str | None
    access_key: str | None = field(repr=False)
    secret_key: str | None = field(repr=False)
    table_prefix: str
    connect_timeout: float
    read_timeout: float
    max_attempts: int
    retry_mode: Literal["adaptive", "standard"]
    max_pool_connections: int
    cursor_secret: bytes | None = field(repr=False)
    create_tables: bool


def read_settings(config: Config) -> Settings:
    """Read the settings.

    Raises:
        TableConfigError: a value is wrong, or two of them contradict each other.
    """
    embedded = _is_embedded(config)
    access_key, secret_key = _credentials(config, embedded)
    create_tables = value_of(config, "dynamodb_create_tables")
    return Settings(
        embedded=embedded,
        folder=config.folder.resolve(),
        endpoint=_endpoint(config, embedded),
        region=_region(config, embedded),
        access_key=access_key,
        secret_key=secret_key,
        table_prefix=_table_prefix(config),
        connect_timeout=_number(config, "dynamodb_connect_timeout"),
        read_timeout=_number(config, "dynamodb_read_timeout"),
        max_attempts=_count(config, "dynamodb_max_attempts"),
        retry_mode=_retry_mode(config),
        max_pool_connections=_count(config, "dynamodb_max_pool_connections"),
        cursor_secret=_cursor_secret(config),
        create_tables=embedded if create_tables is None else _flag(config, "dynamodb_create_tables"),
    )


def value_of(config: Config, key: str) -> Any:
    """Return the value of one of our keys, whether or not the plugin that declares them was loaded."""
    return config.get(key, KEYS[key][0])


def _wrong(config: Config, key: str, wanted: str) -> TableConfigError:
    return TableConfigError(f"{config.source}: {key} is {value_of(config, key)!r}; {wanted}: {KEYS[key][1]}")


def _is_embedded(config: Config) -> bool:
    found = value_of(config, "dynamodb")
    if found not in (None, EMBEDDED):
        raise _wrong(config, "dynamodb", f"it must be {EMBEDDED!r} or left out")
    if found == EMBEDDED and config.env != DEFAULT_ENV:
        raise TableConfigError(
            f"{config.source}: dynamodb is {EMBEDDED!r}, and PYM_ENV is {config.env!r}: a private engine is for"
            f" {DEFAULT_ENV!r} alone; leave dynamodb out of pym-config.{config.env}.yaml and name a dynamodb_region"
        )
    return bool(found == EMBEDDED)


def _endpoint(config: Config, embedded: bool) -> str | None:
    found = value_of(config, "dynamodb_endpoint")
    if not found:
        return None
    if embedded:
        raise TableConfigError(
            f"{config.source}: there is a dynamodb_endpoint, {found!r}, and dynamodb is {EMBEDDED!r}; leave one out"
        )
    parts = urlsplit(found) if isinstance(found, str) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise _wrong(config, "dynamodb_endpoint", "it must be a URL such as http://127.0.0.1:8000")
    return str(found)


def _region(config: Config, embedded: bool) -> str | None:
    keys = ("dynamodb_region", "aws_region", "aws_default_region")
    for key, found in ((key, config.get(key)) for key in keys):
        if found is None:
            continue
        if not isinstance(found, str) or not found:
            raise TableConfigError(f"{config.source}: {key} is {found!r}; it must be a region such as 'eu-west-1'")
        return found
    if embedded:
        return EMBEDDED_REGION
    # botocore itself reads AWS_DEFAULT_REGION and the profile; AWS_REGION is what Lambda, ECS and newer tools set.
    return os.environ.get("AWS_REGION") or None


def _credentials(config: Config, embedded: bool) -> tuple[str | None, str | None]:
    if embedded:  # no real ones are to be sent to it, or even looked for
        return EMBEDDED, EMBEDDED
    access_key, secret_key = (value_of(config, key) for key in ("aws_access_key_id", "aws_secret_access_key"))
    if bool(access_key) != bool(secret_key):
        given, missing = ("aws_access_key_id", "aws_secret_access_key")[:: 1 if access_key else -1]
        raise TableConfigError(f"{config.source}: there is {given} but no {missing}; set both, or neither of them")
    return (str(access_key), str(secret_key)) if access_key else (None, None)


def _table_prefix(config: Config) -> str:
    found = value_of(config, "dynamodb_table_prefix")
    if not isinstance(found, str) or not _PREFIX.fullmatch(found):
        raise _wrong(config, "dynamodb_table_prefix", "it may have letters, digits, and _ . - in it")
    return found


def _retry_mode(config: Config) -> Literal["adaptive", "standard"]:
    found = value_of(config, "dynamodb_retry_mode")
    if found in ("adaptive", "standard"):
        return "standard" if found == "standard" else "adaptive"
    raise _wrong(config, "dynamodb_retry_mode", "it must be 'adaptive' or 'standard'")


def _cursor_secret(config: Config) -> bytes | None:
    given = value_of(config, "dynamodb_cursor_secret")
    if given is not None:
        if not isinstance(given, str) or len(given) < 16:
            raise TableConfigError(f"{config.source}: dynamodb_cursor_secret must be a text of 16 characters or more")
        return given.encode()
    made_of = config.get("jwt_secret")
    if not made_of and config.env == DEFAULT_ENV:
        with suppress(ConfigError):  # where nothing can be kept, and cursors may not be needed
            made_of = development_secret(config)
    return hmac.digest(str(made_of).encode(), b"pymacaron-dynamodb cursor", hashlib.sha256) if made_of else None


def _flag(config: Config, key: str) -> bool:
    value = value_of(config, key)
    if not isinstance(value, bool):
        raise _wrong(config, key, "it must be true or false")
    return value


def _number(config: Config, key: str) -> float:
    value = value_of(config, key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        raise _wrong(config, key, "it must be a number above 0")
    return float(value)


def _count(config: Config, key: str) -> int:
    value = value_of(config, key)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise _wrong(config, key, "it must be a whole number, 1 or more")
    return value
