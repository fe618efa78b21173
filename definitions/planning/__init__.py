"""From an event to the request that carries it."""
