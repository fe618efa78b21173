"""What durable engines have in common: how batches and IDs are stored, and how operations share a commit."""
