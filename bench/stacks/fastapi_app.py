"""FastAPI with pydantic models; coroutines, its fastest kind of handler."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import FastAPI, Path
from pydantic import BaseModel, Field

KIND = "asgi"


class Summary(BaseModel):
    id: int
    status: Literal["new", "paid", "sent"]
    verbose: bool


class Customer(BaseModel):
    name: Annotated[str, Field(min_length=1, max_length=100)]
    phone: Annotated[str, Field(max_length=30)] | None = None


class Item(BaseModel):
    sku: Annotated[str, Field(pattern="^[A-Z]{3}-[0-9]{4}$")]
    quantity: Annotated[int, Field(ge=1, le=1000)]
    price: Annotated[float, Field(ge=0)]
    gift: bool | None = None


class Order(BaseModel):
    id: UUID
    created: datetime
    status: Literal["new", "paid", "sent"] | None = None
    note: Annotated[str, Field(max_length=200)] | None = None
    customer: Customer
    items: Annotated[list[Item], Field(min_length=1)]


app = FastAPI()


@app.get("/orders/{order_id}")
async def get_order(order_id: Annotated[int, Path(ge=1)], verbose: bool = False) -> Summary:
    return Summary(id=order_id, status="new", verbose=verbose)


@app.post("/orders")
async def create_order(order: Order) -> Order:
    return order
