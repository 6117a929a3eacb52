"""PyMacaron."""

from pathlib import Path

from flask import Flask

from pymacaron import API

KIND = "wsgi"

app = Flask(__name__)
API(app).load_api("orders", Path(__file__).parent.parent / "orders.yaml").prepare()
