"""The Python API: the same verbs as the command line."""

from firetower.tower.tower import Tower, connect

__all__ = ["Tower", "connect"]
