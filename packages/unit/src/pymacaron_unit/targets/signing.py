"""Makes a token with the key of the service in the working folder.

Run as a script (``python signing.py``) it needs nothing of this package, so that it runs with the service's own Python,
configuration and environment, in a container too: it reads its arguments as JSON and writes ``{"token": ...}``, or
``{"error": ...}`` where none can be made.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def sign(
    user_id: str | None, scopes: list[str], data: Any, expire_in: float | None, shared_key_only: bool = False
) -> str:
    """Make a token by pymacaron's configuration in this process.

    Args:
        shared_key_only: refuse the key that a service makes for itself in development.

    Raises:
        pymacaron.exceptions.ConfigError: no key, or no user id.
    """
    from pymacaron.auth import generate_token
    from pymacaron.config import get_config
    from pymacaron.exceptions import ConfigError

    config = get_config()
    if shared_key_only and not config.get("jwt_secret"):
        raise ConfigError(f"{config.source}: jwt_secret is not set")
    return generate_token(user_id, expire_in, data, scopes=scopes)


def main(arguments: str) -> dict[str, str]:
    """Make a token of arguments in JSON."""
    try:
        return {"token": sign(**json.loads(arguments))}
    except Exception as error:  # noqa: BLE001  # whatever it is, the caller says it
        kind = type(error).__name__
        return {"error": str(error) if kind == "ConfigError" else f"{kind}: {error}"}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))  # noqa: T201  # its output is its answer
