"""What the command line's exit codes say."""

OK = 0
FAILED = 1
"""Some events were not delivered."""
CONFIGURATION = 2
"""Usage or configuration."""
CREDENTIALS = 3
"""The destination refused the credentials."""
INTERRUPTED = 130
"""Ended by a signal."""
