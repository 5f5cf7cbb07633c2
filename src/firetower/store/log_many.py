"""Logging many versions: one transaction a batch."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, JsonValue, ValidationError

from firetower.core.arguments import iterate
from firetower.core.catalog import Content
from firetower.core.errors import FiretowerError, InvalidInput, StoreError
from firetower.core.json import canonical, clean_object, items_of
from firetower.core.references import CollectionReference, Frozen, path_text
from firetower.core.runs import RunReference
from firetower.core.text import first_refusal
from firetower.store.catalog import versions
from firetower.store.catalog.content import read_content
from firetower.store.lineage import link_artifact
from firetower.store.runs import find_run
from firetower.store.store import Store

BATCH = 200
"""Versions that one transaction logs: others' changes wait for it."""


def _one_or_several(value: object) -> object:
    if isinstance(value, str | os.PathLike):
        value = [value]
    if isinstance(value, list | tuple):
        return [path_text(one) for one in value]
    return value


Texts = Annotated[tuple[str, ...], BeforeValidator(_one_or_several)]


class VersionToLog(Frozen):
    """The arguments of `log`, as data."""

    collection: str
    type: str
    paths: Texts = ()
    references: Texts = ()
    aliases: Texts = ()
    tags: Texts = ()
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    empty: bool = False


Prepared = tuple[int, VersionToLog, CollectionReference, Content, dict[str, JsonValue]]
"""A version to log, after its number among the items."""


def log_many(
    store: Store,
    items: Iterable[VersionToLog | Mapping[str, Any] | None],
    committed: Callable[[int], None] = lambda _: None,
    metadata_differs: Callable[[int], None] = lambda _: None,
    *,
    unit: str = "item",
    run: RunReference | None = None,
) -> int:
    """Log versions in order; return how many of them are new. None is counted, and left out.

    `committed` is called with the size of each batch, `metadata_differs` with the number of each
    item whose metadata was not taken; `run` is the run that made all. Raises FiretowerError
    for the first item that is refused, with its number from 1, and how many before it are
    committed.
    """
    created = 0
    progress = _Progress(unit)
    numbered = enumerate(iterate(items, "items"), 1)
    while batch := _read_batch(numbered, progress):
        new, differing = _log_batch(store, batch, progress, run)
        created += new
        progress.done += len(batch)
        progress.first = progress.number + 1
        committed(len(batch))
        for number in differing:
            metadata_differs(number)
    return created


@dataclass(slots=True)
class _Progress:
    """Where among the items the work is."""

    unit: str
    number: int = 0
    """Of the item at work."""
    first: int = 1
    """The number of the first item that is not committed."""
    done: int = 0
    """Versions committed."""

    def refusal(self, error: FiretowerError, place: str) -> FiretowerError:
        """Return an error with the place where it was raised, and what is committed."""
        before = f"the {self.done:,} before {self.unit} {self.first:,} are committed"
        kept = before if self.done else "none is committed"
        kind = type(error) if isinstance(error, StoreError) else InvalidInput
        return kind(f"{place}: {error.message}", f"{error.hint} Of all, {kept}.")


def _read_batch(
    items: Iterator[tuple[int, VersionToLog | Mapping[str, Any] | None]], progress: _Progress
) -> list[Prepared]:
    """Read and hash what a batch logs, before its transaction begins. Raises FiretowerError."""
    batch: list[Prepared] = []
    try:
        while len(batch) < BATCH:
            progress.number += 1
            number, item = next(items)
            if item is not None:
                batch.append(_prepare(number, item))
    except StopIteration:
        pass
    except FiretowerError as error:
        raise progress.refusal(error, f"{progress.unit} {progress.number:,}") from None
    return batch


def _prepare(number: int, item: VersionToLog | Mapping[str, Any]) -> Prepared:
    try:
        new = VersionToLog.model_validate(
            dict(items_of(item, "it")) if isinstance(item, Mapping) else item
        )
    except ValidationError as error:
        place, reason = first_refusal(error)
        raise InvalidInput(
            f"{place or 'it'}: {reason}", f"It takes {', '.join(VersionToLog.model_fields)}."
        ) from None
    metadata = clean_object(new.metadata, "the metadata")
    reference = CollectionReference.parse(new.collection)
    content = read_content(new.paths, new.references, empty=new.empty)
    return number, new, reference, content, metadata


def _log_batch(
    store: Store, batch: list[Prepared], progress: _Progress, run: RunReference | None
) -> tuple[int, list[int]]:
    """Log a batch, whole or not at all.

    Return how many versions are new, and the numbers of those whose metadata was not taken.
    """
    created, differing = 0, []
    place = f"{progress.unit}s {batch[0][0]:,} to {batch[-1][0]:,}"
    try:
        with store.changing() as change:
            run_row = None if run is None else find_run(change, run).id
            for number, new, reference, content, metadata in batch:
                place = f"{progress.unit} {number:,}"
                found, is_new = versions.log(
                    change,
                    reference,
                    content,
                    type_=new.type,
                    metadata=metadata,
                    aliases=new.aliases,
                    tags=new.tags,
                )
                created += is_new
                if run_row is not None:
                    link_artifact(change, run_row, found.version_id, used=False)
                if not is_new and "metadata" in new.model_fields_set:
                    kept = versions.show(change, found).metadata
                    if canonical(kept) != canonical(metadata):
                        differing.append(number)
            place = f"{progress.unit}s {batch[0][0]:,} to {number:,}"
    except FiretowerError as error:
        raise progress.refusal(error, place) from None
    return created, differing
