"""Connexion, responses validated."""

from pathlib import Path

from connexion import AsyncApp
from connexion.resolver import Resolver

from . import orders

KIND = "asgi"

_app = AsyncApp(__name__, specification_dir=str(Path(__file__).parent.parent))
_app.add_api(
    "orders.yaml", validate_responses=True, resolver=Resolver(lambda name: getattr(orders, name.rpartition(".")[2]))
)
app = _app
