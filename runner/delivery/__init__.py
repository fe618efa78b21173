"""From events to settled batches: accepting, sending, retrying, counting."""
