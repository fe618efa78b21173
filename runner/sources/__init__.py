"""Sources: where events are read from."""
