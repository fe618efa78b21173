"""A topic of Kafka as a source: one consumer in a thread, checkpoints in the outbox, partitions that stop alone."""
