"""Values that follow a schema: for requests that are made from a contract, and for answers in another's place.

Needs pymacaron (``pip install pymacaron-unit[contract]``). Every value is checked by the service's own codec before it
is returned.
"""

from __future__ import annotations

from .making import NoExampleError, example, examples, examples_of, know_document

__all__ = ["NoExampleError", "example", "examples", "examples_of", "know_document"]
