"""The schemas of orders.yaml as msgspec's own types, written by hand: what msgspec alone takes to check a body."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

Text = Annotated[str, Meta(min_length=1, max_length=100)]


class Customer(Struct):
    """Who orders."""

    name: Text
    phone: Annotated[str, Meta(max_length=30)] | None = None


class Item(Struct):
    """What is ordered."""

    sku: Annotated[str, Meta(pattern="^[A-Z]{3}-[0-9]{4}$")]
    quantity: Annotated[int, Meta(ge=1, le=1000)]
    price: Annotated[float, Meta(ge=0)]
    gift: bool | None = None


class Order(Struct):
    """An order."""

    id: UUID
    created: Annotated[datetime, Meta(tz=True)]
    customer: Customer
    items: Annotated[list[Item], Meta(min_length=1)]
    status: Literal["new", "paid", "sent"] | None = None
    note: Annotated[str, Meta(max_length=200)] | None = None
