"""Triggers: which events a subscription wants, written in FQL, Segment's filter language."""

from __future__ import annotations

from .trigger import Trigger, compile_trigger

__all__ = ["Trigger", "compile_trigger"]
