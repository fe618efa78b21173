"""The mapping kit: Segment's directives, compiled once into a function of the event."""

from .compiled_mapping import CompiledMapping, compile_mapping
from .description import describe_mapping

__all__ = ["CompiledMapping", "compile_mapping", "describe_mapping"]
