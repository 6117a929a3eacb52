"""The library: books and loans that persist in DynamoDB. Run it with: pym run"""

from flask import Flask

from pymacaron import API, letsgo

app = Flask(__name__)


def start(port: int, debug: bool) -> None:
    """Load the contract, publish its docs page and serve."""
    api = API(app, port=port, debug=debug)
    api.load_apis()
    api.publish_apis("doc")
    api.start()


letsgo(__name__, callback=start)
