"""What one thing looks like in full, for its own screen and for the pane beside a list."""
