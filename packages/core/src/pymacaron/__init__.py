"""PyMacaron: from an OpenAPI file and one Python function per endpoint to a running Flask microservice."""

from __future__ import annotations

from .api import API, letsgo
from .auth import (
    add_auth,
    authenticate_http_request,
    backend_token,
    generate_token,
    get_token_issuer,
    get_user_token,
    get_user_token_data,
    get_userid,
    load_auth_token,
    requires_auth,
)
from .codec.formats import SwaggerFormat
from .config import get_config
from .exceptions import PyMacaronException, add_error, is_error
from .model import PymacaronBaseModel
from .pool import apipool, get_model

__all__ = [
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
