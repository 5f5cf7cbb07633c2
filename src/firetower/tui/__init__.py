"""The terminal app: screens over a `Tower`."""
