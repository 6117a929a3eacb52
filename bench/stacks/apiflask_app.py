"""APIFlask with marshmallow schemas; responses serialized by a schema."""

from apiflask import APIFlask, Schema
from apiflask.fields import UUID, Boolean, DateTime, Float, Integer, List, Nested, String
from apiflask.validators import Length, OneOf, Range, Regexp

KIND = "wsgi"


class Query(Schema):
    verbose = Boolean(load_default=False)


class Summary(Schema):
    id = Integer(required=True)
    status = String(required=True, validate=OneOf(["new", "paid", "sent"]))
    verbose = Boolean(required=True)


class Customer(Schema):
    name = String(required=True, validate=Length(1, 100))
    phone = String(validate=Length(max=30))


class Item(Schema):
    sku = String(required=True, validate=Regexp("^[A-Z]{3}-[0-9]{4}$"))
    quantity = Integer(required=True, strict=True, validate=Range(1, 1000))
    price = Float(required=True, validate=Range(0))
    gift = Boolean()


class Order(Schema):
    id = UUID(required=True)
    created = DateTime(required=True)
    status = String(validate=OneOf(["new", "paid", "sent"]))
    note = String(validate=Length(max=200))
    customer = Nested(Customer, required=True)
    items = List(Nested(Item), required=True, validate=Length(1))


app = APIFlask(__name__)


@app.get("/orders/<int:order_id>")
@app.input(Query, location="query")
@app.output(Summary)
def get_order(order_id, query_data):
    return {"id": order_id, "status": "new", **query_data}


@app.post("/orders")
@app.input(Order)
@app.output(Order)
def create_order(json_data):
    return json_data
