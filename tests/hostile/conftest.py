"""A database of each kind, as the store's tests have it."""

from store.conftest import database_url, postgresql, sqlite_template, store

__all__ = ["database_url", "postgresql", "sqlite_template", "store"]
