"""What ``from pymacaron import ...`` promises."""

from __future__ import annotations

import pymacaron


def test_exported_names() -> None:
    """The public names are these, and each can be imported."""
    assert pymacaron.__all__ == [
        "API",
        "PyMacaronException",
        "PymacaronBaseModel",
        "SwaggerFormat",
        "add_auth",
        "add_error",
        "apipool",
        "authenticate_http_request",
        "backend_token",
        "generate_token",
        "get_config",
        "get_model",
        "get_token_issuer",
        "get_user_token",
        "get_user_token_data",
        "get_userid",
        "is_error",
        "letsgo",
        "load_auth_token",
        "requires_auth",
    ]
    assert all(hasattr(pymacaron, name) for name in pymacaron.__all__)


def test_every_public_name_is_documented() -> None:
    """Each public function and class has a docstring of its own."""
    for name in pymacaron.__all__:
        found = getattr(pymacaron, name)
        assert (found.__doc__ or "").strip(), name
