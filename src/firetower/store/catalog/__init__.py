"""Changing the catalog, each change with its event, and reading it."""
