"""The reference runner: delivers events to any destination that is found by entry point."""
