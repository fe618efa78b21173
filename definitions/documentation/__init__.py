"""The page about a destination, made from its definition: as Markdown, as HTML or as JSON."""

from .document_of import document_of
from .markdown import cell_code, code, escaped, words
from .rendering import FORMATS, NOTICE, Format, render

__all__ = ["FORMATS", "NOTICE", "Format", "cell_code", "code", "document_of", "escaped", "render", "words"]
