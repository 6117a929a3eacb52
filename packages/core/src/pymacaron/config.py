"""``pym-config.yaml``: every key, its default and its meaning.

The file is ``pym-config.<PYM_ENV>.yaml`` if there is one, else ``pym-config.yaml``, searched beside ``server.py``, in
the working folder and in ``/pym``. Keys become attributes. A value that is the name of a variable listed under
``env_secrets`` is replaced by that environment variable, so that no secret stands in a file.
"""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from .exceptions import ConfigError

DEFAULT_ENV = "dev"
# Keys that take fractions too.
_SECONDS = ("timeout", "jwt_token_timeout", "jwt_leeway")
# What a key may be set to whose default is of that type: yaml has no tuples, and 60 is a fine number of seconds.
_WANTED: dict[type, Any] = {float: (int, float), tuple: (list, tuple)}
_SECRET_WORDS = ("secret", "password", "passwd", "token", "authorization", "cookie")

#: Every key that PyMacaron knows: its default (None: no default) and what it means.
KEYS: dict[str, tuple[Any, str]] = {
    "name": (None, "name of the service, shown by /version"),
    "apis": ("apis", "folder of the contracts, relative to this file"),
    "handlers": ("handlers", "module in which an operationId without dots is looked up"),
    "live_url": (None, "URL that the live service answers at"),
    "live_host": (None, "older name for the host of live_url"),
    "env_secrets": ((), "environment variables that must be set, and replace values equal to their names"),
    "environments": (None, "values of PYM_ENV that are allowed; all of them where this is left out"),
    "ignore_base_path": (False, "whether routes leave out basePath and the path of servers"),
    "error_format": ("pymacaron", "pymacaron, or problem for RFC 9457 application/problem+json"),
    "strict_query": (False, "whether query parameters that the contract does not name are refused"),
    "contract_lane": (True, "whether operations bypass those steps of Flask's dispatch that nothing uses"),
    "contract_cache": (True, "whether compiled contracts are kept on disk for the next start"),
    "max_body_bytes": (16 * 1024 * 1024, "largest request body, in bytes; 413 beyond it"),
    "max_json_depth": (200, "deepest nesting of a JSON body, at most 200; 400 beyond it"),
    "max_errors": (50, "most faults that one error response lists"),
    "max_form_memory_bytes": (
        500_000,
        "largest form field that is no file, in bytes; 413 beyond it (files go to disk)",
    ),
    "jwt_secret": (None, "key that tokens are signed and verified with (HS256); at least 32 bytes"),
    "jwt_algorithm": ("HS256", "signature algorithm of tokens"),
    "jwt_public_key": (None, "PEM key that tokens are verified with, for RS256, ES256 and EdDSA"),
    "jwt_jwks_url": (None, "URL of a JSON Web Key Set (RFC 7517) that tokens are verified with"),
    "jwt_issuer": (None, "iss claim that tokens get and must have"),
    "jwt_audience": (None, "aud claim that tokens get and must have"),
    "jwt_token_timeout": (86400, "seconds until a new token expires"),
    "jwt_token_renew_after": (None, "older key, accepted and unused"),
    "jwt_leeway": (10, "seconds by which the clocks of issuer and verifier may differ"),
    "default_user_id": (None, "user of generated tokens where none is named"),
    "report_call_exceeding_ms": (None, "calls that take longer, in milliseconds, are reported"),
    "services": (None, "URLs of other services by API name, in place of those in their contracts"),
    "timeout": (30, "seconds after which a client gives up a call"),
    "with_async": (False, "whether `pym run` starts a worker beside the server"),
    "worker_count": (None, "number of server processes in production; one for each processor if left out"),
    "threads": (None, "threads of each server process in production"),
    "docker_repo": (None, "registry and repository of the service's image"),
    "docker_base": (None, "image that the service's image is built on"),
    "docker_bucket": (None, "bucket that holds the registry's credentials"),
    "deploy_target": (None, "beanstalk, gke or cloudrun"),
    "aws_user": (None, "profile of AWS credentials"),
    "aws_keypair": (None, "key pair of Beanstalk's instances"),
    "aws_instance_type": (None, "type of Beanstalk's instances"),
    "aws_cert_arn": (None, "certificate of Beanstalk's load balancer"),
    "aws_zone_id": (None, "Route 53 zone of the live host"),
    "aws_region": (None, "AWS region"),
    "gcp_region": (None, "Google Cloud region"),
    "gcp_memory": (None, "memory of a Cloud Run instance"),
    "gcp_request_concurrency": (None, "requests that a Cloud Run instance serves at once"),
}


class Config:
    """The values of one pym-config file over the defaults. Unknown attributes raise; ``get`` and ``in`` do not."""

    def __init__(self, values: dict[str, Any] | None = None, path: Path | None = None) -> None:
        self.path = path
        self.values: dict[str, Any] = dict(values or {})

    def __getattr__(self, key: str) -> Any:
        if key.startswith("__"):
            raise AttributeError(key)
        values = self.__dict__.get("values", {})
        if key in values:
            return values[key]
        if key in KEYS:
            return KEYS[key][0]
        close = get_close_matches(key, [*values, *KEYS], 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise AttributeError(f"{self.source} has no key {key!r}{hint}")

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def get(self, key: str, default: Any = None) -> Any:
        """Return a key's value, else PyMacaron's default for it, else ``default``."""
        found = self.values.get(key, KEYS.get(key, (None, ""))[0])
        return default if found is None else found

    @property
    def env(self) -> str:
        """The value of ``PYM_ENV``; ``dev`` where it is not set."""
        return os.environ.get("PYM_ENV") or DEFAULT_ENV

    @property
    def folder(self) -> Path:
        """The folder that relative paths in the file start from."""
        return self.path.parent if self.path else Path.cwd()

    @property
    def source(self) -> str:
        """The file's name for messages."""
        return str(self.path) if self.path else "pym-config"

    def require(self, key: str, why: str) -> Any:
        """Return a key's value.

        Raises:
            ConfigError: it is not set; the message says what it is for.
        """
        value = self.get(key)
        if value in (None, ""):
            raise ConfigError(f"{self.source}: the key {key!r} is missing: {why}")
        return value

    def to_json(self) -> dict[str, Any]:
        """Return all values, secrets masked."""
        secret = {key for key in self.values if is_secret(key)} | self._from_env
        return {key: "***" if key in secret else value for key, value in self.values.items()}

    @property
    def _from_env(self) -> set[str]:
        """The keys whose values came from environment variables."""
        return set(self.__dict__.get("from_env", ()))


def is_secret(key: str) -> bool:
    """Tell by its name whether a key, header or variable holds a secret."""
    name = key.lower()
    if name.startswith("jwt_token_") or name == "env_secrets":
        return False
    return any(word in name for word in _SECRET_WORDS)


def find_config(folder: str | Path | None = None) -> Path | None:
    """Return the path of the config file for the current ``PYM_ENV``; None where there is none."""
    env = os.environ.get("PYM_ENV")
    names = [f"pym-config.{env}.yaml"] if env else []
    folders = [Path(folder)] if folder else []
    for place in (*folders, Path.cwd(), Path("/pym")):
        for name in (*names, "pym-config.yaml"):
            if (place / name).is_file():
                return place / name
    return None


def load_config(path: str | Path) -> Config:
    """Read one config file.

    Raises:
        ConfigError: it cannot be read, is no yaml mapping, a key's value is of the wrong type, a variable listed under
            ``env_secrets`` is not set, or ``PYM_ENV`` is none of ``environments``.
    """
    path = Path(path)
    values = _read(path)
    config = Config(values, path)
    _check_types(config)
    _check_environment(config)
    _replace_secrets(config)
    return config


def _read(path: Path) -> dict[str, Any]:
    import yaml  # costs a start without a file more than all of this module

    try:
        values = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: this is no yaml: {' '.join(str(error).split())}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: it must be a mapping of keys to values, not a {type(values).__name__}")
    return {str(key): value for key, value in values.items()}


def _check_types(config: Config) -> None:
    for key, value in config.values.items():
        default = KEYS.get(key, (None, ""))[0]
        if default is None or key in ("env_secrets", "handlers"):
            continue
        wanted = _WANTED.get(type(default), (int, float) if key in _SECONDS else type(default))
        if not isinstance(value, wanted) or isinstance(value, bool) is not isinstance(default, bool):
            raise ConfigError(
                f"{config.source}: {key} is {value!r}; it must be of type {type(default).__name__}: {KEYS[key][1]}"
            )
    if config.error_format not in ("pymacaron", "problem"):
        raise ConfigError(f"{config.source}: error_format is {config.error_format!r}; use pymacaron or problem")
    if not 1 <= config.max_json_depth <= 200:
        raise ConfigError(f"{config.source}: max_json_depth is {config.max_json_depth}; use 1 to 200")


def _check_environment(config: Config) -> None:
    allowed = config.get("environments")
    if allowed is None:
        return
    if not isinstance(allowed, list) or config.env not in map(str, allowed):
        shown = ", ".join(map(str, allowed)) if isinstance(allowed, list) else repr(allowed)
        raise ConfigError(f"PYM_ENV is {config.env!r}, which {config.source} does not allow; use one of {shown}")


def _replace_secrets(config: Config) -> None:
    listed = config.get("env_secrets", ())
    if not isinstance(listed, (list, tuple)):
        raise ConfigError(f"{config.source}: env_secrets must be a list of variables' names, not {listed!r}")
    missing = [str(name) for name in listed if not os.environ.get(str(name))]
    if missing:
        raise ConfigError(
            f"{config.source}: env_secrets names {', '.join(missing)}, which the environment does not set; export"
            f" {'it' if len(missing) == 1 else 'them'} first"
        )
    names = set(map(str, listed))
    config.__dict__["from_env"] = {k for k, v in config.values.items() if isinstance(v, str) and v in names}
    for key in config.__dict__["from_env"]:
        config.values[key] = os.environ[config.values[key]]


_current: list[Config] = []


def get_config(folder: str | Path | None = None) -> Config:
    """Return the service's configuration, read once in a process.

    Args:
        folder: where ``server.py`` stands; searched first.

    Raises:
        ConfigError: the file is wrong; see :func:`load_config`. No file at all gives the defaults.
    """
    if not _current:
        path = find_config(folder)
        set_config(load_config(path) if path else Config())
    return _current[0]


def set_config(config: Config | None) -> None:
    """Make a configuration the current one; None forgets it, so that the next :func:`get_config` reads again."""
    _current[:] = [] if config is None else [config]
