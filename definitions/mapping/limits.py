"""How large mappings, and what they make, may be. What is beyond is refused with an error that names the limit."""

from __future__ import annotations

MAX_DEPTH = 64
"""Levels of objects and arrays within each other in a mapping."""

MAX_SIZE = 20_000
"""Values in a mapping, counted all over."""

MAX_TEXT = 2**25
"""Characters of a text that one directive makes, and of all the keys that @flatten makes together."""

MAX_VALUES = 2_000_000
"""Values in what a mapping makes for itself to map again, where it could double them at every level."""

MAX_JSON_DEPTH = 500
"""Levels of objects and arrays in JSON text that @json decodes."""

MAX_LIQUID_LENGTH = 1000
"""UTF-16 units of a @liquid template (Segment's limit)."""

MAX_LIQUID_MEMORY = 10_000_000
"""Characters that one rendering of a @liquid template may handle, all steps together."""

MAX_LIQUID_STEPS = 500_000
"""Elements, of lists and objects, that filters, operators and outputs of one rendering may go through.

Eight characters of a text count as one. With the limit of characters it stands for the half second that Segment gives a
rendering: both are a small part of that on an ordinary machine, so a slow or busy one does not exceed it.
"""
