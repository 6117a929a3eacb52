"""Contracts on Flask: routes, error bodies, built-in endpoints and the docs page."""
