"""Queues: the contract, the rules that every engine shares, and the engines."""
