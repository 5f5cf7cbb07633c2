"""Logging many versions: one transaction a batch."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from pydantic import Field, JsonValue, ValidationError

from firetower.core.catalog import Content
from firetower.core.errors import FiretowerError, InvalidInput, StoreError
from firetower.core.json import clean
from firetower.core.references import CollectionReference, Frozen
from firetower.core.text import shortened
from firetower.store.catalog import versions
from firetower.store.catalog.content import read_content
from firetower.store.store import Store

BATCH = 200
"""Versions that one transaction logs: others' changes wait for it."""


class VersionToLog(Frozen):
    """What `log` takes, as data."""

    collection: str
    type: str
    paths: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    metadata: dict[str, JsonValue] = Field(default_factory=dict)


Prepared = tuple[VersionToLog, CollectionReference, Content, dict[str, JsonValue]]


def log_many(
    store: Store,
    items: Iterable[VersionToLog | Mapping[str, Any]],
    committed: Callable[[int], None] = lambda _: None,
    unit: str = "item",
) -> int:
    """Log versions in order; return how many of them are new.

    `committed` is called with the size of each batch. Raises InvalidInput for the first item that
    is refused, with its number from 1, and how many before it are committed.
    """
    created = done = 0
    left = iter(items)
    while batch := _read_batch(left, done, unit):
        created += _log_batch(store, batch, done, unit)
        done += len(batch)
        committed(len(batch))
    return created


def _read_batch(
    items: Iterator[VersionToLog | Mapping[str, Any]], done: int, unit: str
) -> list[Prepared]:
    """Read and hash what a batch logs, before its transaction begins. Raises InvalidInput."""
    batch: list[Prepared] = []
    try:
        for item in islice(items, BATCH):
            batch.append(_prepare(item))  # noqa: PERF401 - how many there were is said
    except FiretowerError as error:
        raise _refusal(error, done + len(batch) + 1, done, unit) from None
    return batch


def _prepare(item: VersionToLog | Mapping[str, Any]) -> Prepared:
    try:
        new = VersionToLog.model_validate(item)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "it"
        raise InvalidInput(
            f"{shortened(place, 60)}: {shortened(first['msg'], 120)}",
            "It takes collection, type, paths, references, aliases, tags, metadata.",
        ) from None
    metadata = clean(dict(new.metadata), "the metadata")
    assert isinstance(metadata, dict)
    reference = CollectionReference.parse(new.collection)
    return new, reference, read_content(new.paths, new.references), metadata


def _log_batch(store: Store, batch: list[Prepared], done: int, unit: str) -> int:
    """Log a batch, whole or not at all; return how many versions are new."""
    created, number = 0, done
    try:
        with store.changing() as change:
            for new, reference, content, metadata in batch:
                number += 1
                labels = {"aliases": new.aliases, "tags": new.tags}
                _, is_new = versions.log(
                    change, reference, content, type_=new.type, metadata=metadata, **labels
                )
                created += is_new
    except InvalidInput as error:
        raise _refusal(error, number, done, unit) from None
    except StoreError as error:
        raise type(error)(error.message, f"{error.hint} {_kept(done, unit)}") from None
    return created


def _refusal(error: FiretowerError, number: int, done: int, unit: str) -> InvalidInput:
    said = f"{unit} {number:,}: {error.message}"
    return InvalidInput(said, f"{error.hint} {_kept(done, unit)}")


def _kept(done: int, unit: str) -> str:
    kept = f"the {done:,} before {unit} {done + 1:,} are committed" if done else "none is committed"
    return f"Of all, {kept}."
