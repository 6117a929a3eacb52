"""What is tested: an app in this process, a URL, a service's folder, or an image.

All behave alike: a suite runs on each of them unchanged.
"""

from __future__ import annotations

from .target import Target, UrlTarget, open_target

__all__ = ["Target", "UrlTarget", "open_target"]
