"""The checks of `doctor`: installation, configuration, network, outbox."""
