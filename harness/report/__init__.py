"""What happened, as something to read."""
