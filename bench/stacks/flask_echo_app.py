"""Plain Flask, octets in and the same octets out: nothing parsed, nothing validated."""

from flask import Flask, Response, request

KIND = "wsgi"

app = Flask(__name__)


@app.get("/orders/<int:order_id>")
def get_order(order_id: int) -> Response:
    return Response(b'{"id":7,"status":"new","verbose":true}', content_type="application/json")


@app.post("/orders")
def create_order() -> Response:
    return Response(request.get_data(), content_type="application/json")
