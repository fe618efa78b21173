"""Observers: log, metrics and traces, fed with notices."""
