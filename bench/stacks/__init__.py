"""One module for each stack: ``app``, and ``KIND``, wsgi or asgi. All serve orders.yaml, checked both ways."""
