"""The command `new`: a small, complete plugin package, whose tests pass as it is written."""

from .names import PluginNames
from .writing import write_plugin

__all__ = ["PluginNames", "write_plugin"]
