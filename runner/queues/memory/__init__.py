"""The engine in memory."""

from .engine import MemoryEngine, open_memory

__all__ = ["MemoryEngine", "open_memory"]
