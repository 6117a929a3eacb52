"""Plain Flask, JSON parsed and written again, nothing validated."""

from flask import Flask, Response, jsonify, request

KIND = "wsgi"

app = Flask(__name__)


@app.get("/orders/<int:order_id>")
def get_order(order_id: int) -> Response:
    return jsonify({"id": order_id, "status": "new", "verbose": request.args.get("verbose") == "true"})


@app.post("/orders")
def create_order() -> Response:
    return jsonify(request.get_json())
