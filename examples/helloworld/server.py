"""The tool shed: neighbours lend each other their tools. Run it with: pym run"""

from flask import Flask
from shed.formats import EURO

from pymacaron import API, letsgo

app = Flask(__name__)


def start(port: int, debug: bool) -> None:
    """Load both contracts, publish their docs page and serve."""
    api = API(app, port=port, debug=debug, formats=[EURO])
    api.load_apis()
    api.load_builtin_apis(["ping", "crash"])
    api.publish_apis("doc")
    api.start()


letsgo(__name__, callback=start)
