"""Backups of a database, restored while it is in use."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg

from firetower.store import schema
from firetower.store.columns import Id

_TABLES = [table.name for table in schema.all_tables().sorted_tables]
_NUMBERED = [
    table.name
    for table in schema.all_tables().sorted_tables
    if "id" in table.c and isinstance(table.c.id.type, Id)
]


def take_backup(url: str) -> Callable[[], None]:
    """Copy a database as it is now; return what restores it under those that have it open."""
    return _postgresql(url) if "://" in url else _sqlite(url)


def _sqlite(path: str) -> Callable[[], None]:
    kept = sqlite3.connect(":memory:")
    with closing(sqlite3.connect(path)) as live:
        live.backup(kept)

    def restore() -> None:
        with closing(kept), closing(sqlite3.connect(path)) as live:
            kept.backup(live)

    return restore


def _postgresql(url: str) -> Callable[[], None]:
    with psycopg.connect(url, autocommit=True) as there:
        there.execute("DROP SCHEMA IF EXISTS kept CASCADE; CREATE SCHEMA kept")
        for table in _TABLES:
            _run(there, f"CREATE TABLE kept.{table} AS TABLE public.{table}")

    def restore() -> None:
        with psycopg.connect(url) as there:
            _run(there, f"TRUNCATE {', '.join(_TABLES)} RESTART IDENTITY CASCADE")
            for table in _TABLES:
                _run(there, f"INSERT INTO public.{table} SELECT * FROM kept.{table}")
            for table in _NUMBERED:
                serial = f"pg_get_serial_sequence('{table}', 'id')"
                _run(there, f"SELECT setval({serial}, max(id)) FROM {table}")
            there.execute("DROP SCHEMA kept CASCADE")

    return restore


def _run(there: psycopg.Connection[Any], statement: str) -> None:
    there.execute(statement.encode())
