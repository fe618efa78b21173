"""Transports: how a request reaches the destination."""
