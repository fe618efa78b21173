"""What a run is configured with: TOML, environment, options, plugins."""
