"""Formats of this service's own."""

import re
from decimal import Decimal

from pymacaron import SwaggerFormat


def _check(text: object) -> None:
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,7}\.[0-9]{2}", text):
        raise ValueError("an amount in euro is written like 12.50")


EURO = SwaggerFormat(
    format="euro",
    to_python=Decimal,
    to_wire=lambda amount: f"{amount:.2f}",
    validate=_check,
    description="An amount in euro: a Decimal in Python, a text with two decimals in JSON",
)
