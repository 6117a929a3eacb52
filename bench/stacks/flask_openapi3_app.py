"""flask-openapi3 with pydantic models, responses validated."""

from flask_openapi3 import OpenAPI
from pydantic import BaseModel

from .fastapi_app import Order, Summary

KIND = "wsgi"

app = OpenAPI(__name__, validate_response=True)


class OrderPath(BaseModel):
    order_id: int


class Query(BaseModel):
    verbose: bool = False


@app.get("/orders/<int:order_id>", responses={200: Summary})
def get_order(path: OrderPath, query: Query):
    return {"id": path.order_id, "status": "new", "verbose": query.verbose}


@app.post("/orders", responses={200: Order})
def create_order(body: Order):
    return body.model_dump(mode="json", exclude_none=True)
