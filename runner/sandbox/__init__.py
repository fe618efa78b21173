"""A Kable for people without an account: it answers as Kable documents, and shows what it would have billed.

For any other destination, a server that records what it is sent.
"""

from __future__ import annotations

from .app import create_app
from .credentials import DEFAULT_API_KEY, DEFAULT_CLIENT_ID
from .faults import FaultPlan, Faults, read_faults
from .ledger import Ledger
from .server import RunningSandbox, running_sandbox, serve, serve_recorder

__all__ = [
    "DEFAULT_API_KEY",
    "DEFAULT_CLIENT_ID",
    "FaultPlan",
    "Faults",
    "Ledger",
    "RunningSandbox",
    "create_app",
    "read_faults",
    "running_sandbox",
    "serve",
    "serve_recorder",
]
