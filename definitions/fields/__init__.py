"""Fields: Segment's validation of payloads and settings, compiled into one function, and their JSON Schema."""

from .compiled_fields import CompiledFields, compile_fields
from .schema import json_schema

__all__ = ["CompiledFields", "compile_fields", "json_schema"]
