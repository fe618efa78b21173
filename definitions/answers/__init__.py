"""What a destination's responses mean, for a request and for each of its events."""
