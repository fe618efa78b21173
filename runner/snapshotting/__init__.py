"""Snapshots of what a configuration makes of events, and how two of them differ."""
