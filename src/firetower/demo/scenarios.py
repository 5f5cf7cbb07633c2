"""Scenarios: a run becomes a model in production, data is refreshed, a prompt is rewritten.

Each is a series of steps. The history of the demo and its live team take the same steps.
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import TypeAlias

from pydantic import JsonValue

from firetower.core.catalog import Content, Entry
from firetower.core.references import CollectionReference, VersionReference, parse_target
from firetower.demo.cast import EVALUATOR, LOADER, OPERATOR, Dataset, Line, Model, Prompt
from firetower.store.catalog import tags, versions
from firetower.store.catalog.aliases import add_aliases, remove_aliases
from firetower.store.catalog.content import digest_of
from firetower.store.changes import Change

Act: TypeAlias = Callable[[Change], object]
"""Changes the catalog within a transaction. Raises as the verbs of `Tower` do."""


@dataclass(frozen=True, slots=True)
class Step:
    """One act of a scenario."""

    author: str
    act: Act
    after: timedelta = timedelta(0)
    """The time since the step before it."""


def log(
    collection: str,
    type_: str,
    metadata: Mapping[str, JsonValue],
    *,
    files: Mapping[str, int],
    references: tuple[str, ...] = (),
    aliases: tuple[str, ...] = (),
) -> Act:
    """Log a version of made-up files; `files` maps their names to their bytes."""

    def act(change: Change) -> None:
        content = _content(f"{collection} {change.now}", files, references)
        reference = CollectionReference.parse(collection)
        versions.log(
            change, reference, content, type_=type_, metadata=dict(metadata), aliases=aliases
        )

    return act


def _content(salt: str, files: Mapping[str, int], references: tuple[str, ...]) -> Content:
    def digest(name: str) -> str:
        return hashlib.sha256(f"{salt} {name}".encode()).hexdigest()

    entries = [Entry(path=name, size=size, sha256=digest(name)) for name, size in files.items()]
    entries += [Entry(path=uri, uri=uri) for uri in references]
    entries.sort(key=lambda entry: entry.path)
    return Content(entries=tuple(entries), digest=digest_of(entries))


def link(version: str, collection: str, alias: str) -> Act:
    """Link a version into a registry, with an alias."""
    source, target = VersionReference.parse(version), CollectionReference.parse(collection)
    return lambda change: versions.link(change, source, target, [alias])


def unlink(version: str) -> Act:
    """Remove a link."""
    return lambda change: versions.unlink(change, VersionReference.parse(version))


def add_alias(version: str, alias: str) -> Act:
    """Add an alias, or move it."""
    return lambda change: add_aliases(change, VersionReference.parse(version), [alias])


def remove_alias(version: str, alias: str) -> Act:
    """Remove an alias."""
    return lambda change: remove_aliases(change, VersionReference.parse(version), [alias])


def add_tag(target: str, tag: str) -> Act:
    """Tag a version or a collection."""
    return lambda change: tags.add_tags(change, parse_target(target), [tag])


def remove_tag(target: str, tag: str) -> Act:
    """Remove a tag from a version or a collection."""
    return lambda change: tags.remove_tags(change, parse_target(target), [tag])


_MEGABYTE = 1_000_000


@dataclass(slots=True)
class Progress:
    """How far a line of work has come; a scenario updates it."""

    runs: int = 0
    """Versions logged."""
    links: int = 0
    """Versions ever linked."""
    serving: int | None = None
    """The index of the version in production."""
    fallback: int | None = None
    """The index of the one to roll back to."""
    unlinked: int = 0
    """The oldest links that were removed."""


def next_scenario(line: Line, progress: Progress, chance: Random) -> list[Step]:
    """Return the next scenario of a line of work, and update its progress."""
    match line:
        case Model():
            return list(_train(line, progress, chance))
        case Dataset():
            return list(_refresh(line, progress, chance))
        case Prompt():
            return list(_rewrite(line, progress, chance))


def _train(model: Model, progress: Progress, chance: Random) -> Iterator[Step]:
    passed = progress.runs == 0 or chance.random() < 0.8
    yield from train(model, progress, chance, passed=passed)
    if not passed or (progress.serving is not None and chance.random() < 0.45):
        return
    yield from promote(model, progress, chance)
    if progress.fallback is not None and chance.random() < 0.15:
        yield from roll_back(model, progress, chance)
    elif _has_old_link(progress):
        yield from _tidy(model, progress, chance)


def train(
    model: Model, progress: Progress, chance: Random, *, passed: bool = True
) -> Iterator[Step]:
    """A run logs a candidate, the evaluation gives its verdict, a good one is staged."""
    candidate = f"{model.logged}:candidate"
    yield Step(model.owner, _run(model, progress.runs, chance))
    progress.runs += 1
    verdict = add_tag(candidate, "eval-passed" if passed else "eval-failed")
    yield Step(EVALUATOR, verdict, _about(24, chance))
    if passed:
        yield Step(model.owner, link(candidate, model.linked, "staging"), _about(35, chance))
        progress.links += 1


def promote(model: Model, progress: Progress, chance: Random) -> Iterator[Step]:
    """What is staged is signed off and goes to production; what was there stays at hand."""
    sign = add_tag(f"{model.linked}:staging", "signed-off")
    yield Step(model.reviewer, sign, _about(110, chance))
    if progress.serving is not None:
        keep = add_alias(f"{model.linked}:production", "fallback")
        yield Step(model.reviewer, keep, _about(14, chance))
        progress.fallback = progress.serving
    up = add_alias(f"{model.linked}:staging", "production")
    yield Step(model.reviewer, up, _about(3, chance))
    progress.serving = progress.links - 1


def roll_back(model: Model, progress: Progress, chance: Random) -> Iterator[Step]:
    """Production goes back to the version before."""
    pull = remove_alias(f"{model.linked}:production", "production")
    yield Step(model.reviewer, pull, _about(80, chance))
    up = add_alias(f"{model.linked}:fallback", "production")
    yield Step(model.reviewer, up, _about(2, chance))
    progress.serving, progress.fallback = progress.fallback, None


def _has_old_link(progress: Progress) -> bool:
    oldest = progress.unlinked
    return progress.links - oldest > 3 and oldest not in {progress.serving, progress.fallback}


def _tidy(model: Model, progress: Progress, chance: Random) -> Iterator[Step]:
    """The oldest link goes; the collection is marked while somebody looks at it."""
    yield Step(OPERATOR, add_tag(model.linked, "cleanup"), _about(200, chance))
    yield Step(OPERATOR, unlink(f"{model.linked}:v{progress.unlinked}"), _about(6, chance))
    yield Step(OPERATOR, remove_tag(model.linked, "cleanup"), _about(4, chance))
    progress.unlinked += 1


def _run(model: Model, run: int, chance: Random) -> Act:
    gain = (1 - model.accuracy) * 0.7 * (1 - math.exp(-run / 5))
    accuracy = min(model.accuracy + gain + chance.gauss(0, 0.006), 0.997)
    name = f"run-{chance.randrange(16**6):06x}"
    weights = "model.txt" if model.framework == "lightgbm" else "model.safetensors"
    return log(
        model.logged,
        "model",
        {
            "accuracy": round(accuracy, 4),
            "f1": round(accuracy - chance.uniform(0.004, 0.03), 4),
            "loss": round((1 - accuracy) * chance.uniform(1.6, 2.4), 4),
            "latency_ms": round(model.latency_ms * chance.uniform(0.94, 1.08), 1),
            "framework": model.framework,
            "dataset": f"datasets/{model.dataset}:current",
            "epochs": chance.choice((12, 20, 30, 40)),
            "run": name,
        },
        files={
            weights: int(model.megabytes * _MEGABYTE * chance.uniform(0.97, 1.04)),
            "config.json": chance.randint(900, 4_000),
            "metrics.json": chance.randint(2_000, 9_000),
        },
        references=(f"s3://acme-checkpoints/{model.name}/{name}/",),
        aliases=("candidate",),
    )


def _refresh(data: Dataset, progress: Progress, chance: Random) -> Iterator[Step]:
    yield from refresh(data, progress, chance)
    if chance.random() < 0.12:
        yield from withdraw(data, chance)


def refresh(data: Dataset, progress: Progress, chance: Random) -> Iterator[Step]:
    """New data is logged, linked and reviewed."""
    rows = int(data.rows * (1 + 0.06 * progress.runs) * chance.uniform(0.99, 1.01))
    gigabytes = round(data.gigabytes * rows / data.rows, 1)
    day = f"part-{chance.randrange(16**6):06x}"
    yield Step(
        LOADER,
        log(
            data.logged,
            "dataset",
            {"rows": rows, "gigabytes": gigabytes, "format": "parquet", "keeper": data.keeper},
            files={"manifest.parquet": rows * 24, "schema.json": chance.randint(1_200, 5_000)},
            references=(f"s3://acme-lake/{data.name}/{day}/",),
        ),
    )
    progress.runs += 1
    current = link(f"{data.logged}:latest", data.linked, "current")
    yield Step(data.keeper, current, _about(50, chance))
    progress.links += 1
    review = add_tag(f"{data.linked}:current", "privacy-reviewed")
    yield Step("yusuf", review, _about(130, chance))


def withdraw(data: Dataset, chance: Random) -> Iterator[Step]:
    """The privacy review is taken back until somebody has looked at the consents."""
    revoke = remove_tag(f"{data.linked}:current", "privacy-reviewed")
    yield Step("yusuf", revoke, _about(90, chance))
    yield Step(data.keeper, add_tag(data.logged, "needs-consent-check"), _about(15, chance))
    done = remove_tag(data.logged, "needs-consent-check")
    yield Step(data.keeper, done, _about(240, chance))


def _rewrite(prompt: Prompt, progress: Progress, chance: Random) -> Iterator[Step]:
    yield from rewrite(prompt, progress, chance)
    if chance.random() < 0.6:
        yield from serve(prompt, chance)


def rewrite(prompt: Prompt, progress: Progress, chance: Random) -> Iterator[Step]:
    """A draft is logged and put on trial."""
    draft = f"draft-{chance.randrange(16**6):06x}"
    yield Step(
        prompt.writer,
        log(
            prompt.logged,
            "prompt",
            {
                "tokens": int(prompt.tokens * chance.uniform(0.85, 1.15)),
                "temperature": chance.choice((0.0, 0.2, 0.4)),
                "win_rate": round(prompt.win_rate + 0.02 * progress.runs, 3),
                "draft": draft,
            },
            files={"prompt.md": int(prompt.tokens * 4.4), "cases.jsonl": 18_400},
        ),
    )
    progress.runs += 1
    trial = link(f"{prompt.logged}:latest", prompt.linked, "trial")
    yield Step(prompt.writer, trial, _about(20, chance))
    progress.links += 1


def serve(prompt: Prompt, chance: Random) -> Iterator[Step]:
    """The prompt on trial goes live."""
    live = add_alias(f"{prompt.linked}:trial", "live")
    yield Step(prompt.writer, live, _about(160, chance))


def _about(minutes: float, chance: Random) -> timedelta:
    return timedelta(seconds=round(minutes * 60 * chance.uniform(0.6, 1.5), 3))
