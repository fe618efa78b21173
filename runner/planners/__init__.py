"""Planner processes: they plan chunks of events, while the process that accepts and sends does nothing else."""
