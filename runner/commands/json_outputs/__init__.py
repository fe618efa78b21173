"""What commands print as JSON, a file for each command."""
