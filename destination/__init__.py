"""Kable, usage-based billing for API companies, as a Segment destination."""

from .kable import kable

__all__ = ["kable"]
