"""The page: what a mapping does to an event, and what delivery is doing. Its files, and the API that they use."""
