"""The catalog's changes, each with its event, and what it shows."""
