"""Faults on real servers: processes killed, Redis restarted, connections cut, while tasks run.

The normal suite runs each with small numbers; `nox -s soak` runs them in full size, and prints figures.
"""
