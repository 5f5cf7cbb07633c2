"""Scenarios: a run becomes a model in production, data is refreshed, a prompt is rewritten.

Each is a series of steps. The history of the demo and its live team take the same steps.
"""

import hashlib
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from random import Random
from typing import TypeAlias

from pydantic import JsonValue

from firetower.core.catalog import Content, Entry
from firetower.core.references import CollectionReference, VersionReference, parse_target
from firetower.demo.cast import EVALUATOR, LOADER, OPERATOR, Dataset, Line, Model, Prompt
from firetower.store.catalog import versions
from firetower.store.catalog.content import digest_of
from firetower.store.catalog.labels import add_aliases, add_tags, remove_aliases, remove_tags
from firetower.store.changes import Change

Act: TypeAlias = Callable[[Change], object]
"""Changes the catalog within a transaction. Raises as the verbs of `Tower` do."""

_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Step:
    """One act of a scenario."""

    author: str
    act: Act
    after: timedelta
    """The time since the step before it."""


@dataclass(slots=True)
class Progress:
    """How far a line of work has come."""

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

    @property
    def has_old_link(self) -> bool:
        """Whether the oldest link can be removed."""
        oldest = self.unlinked
        return self.links - oldest > 3 and oldest not in {self.serving, self.fallback}


@dataclass(slots=True)
class Team:
    """Plans scenarios, and remembers how far each line of work comes by them."""

    chance: Random
    progress: defaultdict[str, Progress] = field(default_factory=lambda: defaultdict(Progress))
    """By the collection that the line of work logs to."""

    def next_scenario(self, line: Line) -> list[Step]:
        """Return the next scenario of a line of work."""
        match line:
            case Model():
                return list(self._model_scenario(line))
            case Dataset():
                return list(self._dataset_scenario(line))
            case Prompt():
                return list(self._prompt_scenario(line))

    def _step(self, author: str, act: Act, minutes: float = 0.0) -> Step:
        """Return a step about so many minutes after the one before it."""
        seconds = minutes * 60 * self.chance.uniform(0.6, 1.5) if minutes else 0.0
        return Step(author, act, timedelta(seconds=round(seconds, 3)))

    def _model_scenario(self, model: Model) -> Iterator[Step]:
        progress = self.progress[model.logged]
        passed = progress.runs == 0 or self.chance.random() < 0.8
        yield from self.train(model, passed=passed)
        if not passed or (progress.serving is not None and self.chance.random() < 0.45):
            return
        yield from self.promote(model)
        if progress.fallback is not None and self.chance.random() < 0.15:
            yield from self.roll_back(model)
        elif progress.has_old_link:
            yield from self._remove_oldest(model)

    def train(self, model: Model, *, passed: bool = True) -> Iterator[Step]:
        """A run logs a candidate, the evaluation gives its verdict, a good one is staged."""
        progress, candidate = self.progress[model.logged], f"{model.logged}:candidate"
        yield self._step(model.owner, self._run(model, progress.runs))
        progress.runs += 1
        yield self._step(EVALUATOR, _tag(candidate, "eval-passed" if passed else "eval-failed"), 24)
        if passed:
            yield self._step(model.owner, _link(candidate, model.linked, "staging"), 35)
            progress.links += 1

    def promote(self, model: Model) -> Iterator[Step]:
        """What is staged is signed off and goes to production; what was there becomes fallback."""
        progress, linked = self.progress[model.logged], model.linked
        yield self._step(model.reviewer, _tag(f"{linked}:staging", "signed-off"), 110)
        if progress.serving is not None:
            yield self._step(model.reviewer, _add_alias(f"{linked}:production", "fallback"), 14)
            progress.fallback = progress.serving
        yield self._step(model.reviewer, _add_alias(f"{linked}:staging", "production"), 3)
        progress.serving = progress.links - 1

    def roll_back(self, model: Model) -> Iterator[Step]:
        """Production goes back to the version before."""
        progress, linked = self.progress[model.logged], model.linked
        yield self._step(model.reviewer, _remove_alias(f"{linked}:production", "production"), 80)
        yield self._step(model.reviewer, _add_alias(f"{linked}:fallback", "production"), 2)
        progress.serving, progress.fallback = progress.fallback, None

    def _remove_oldest(self, model: Model) -> Iterator[Step]:
        """The oldest link goes; the collection is tagged meanwhile."""
        progress = self.progress[model.logged]
        yield self._step(OPERATOR, _tag(model.linked, "cleanup"), 200)
        yield self._step(OPERATOR, _unlink(f"{model.linked}:v{progress.unlinked}"), 6)
        yield self._step(OPERATOR, _untag(model.linked, "cleanup"), 4)
        progress.unlinked += 1

    def _run(self, model: Model, run: int) -> Act:
        chance = self.chance
        gain = (1 - model.accuracy) * 0.7 * (1 - math.exp(-run / 5))
        accuracy = min(model.accuracy + gain + chance.gauss(0, 0.006), 0.997)
        name = f"run-{chance.randrange(16**6):06x}"
        weights = "model.txt" if model.framework == "lightgbm" else "model.safetensors"
        return _log(
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

    def _dataset_scenario(self, data: Dataset) -> Iterator[Step]:
        yield from self.refresh(data)
        if self.chance.random() < 0.12:
            yield from self.withdraw(data)

    def refresh(self, data: Dataset) -> Iterator[Step]:
        """New data is logged, linked and reviewed."""
        chance, progress = self.chance, self.progress[data.logged]
        rows = int(data.rows * (1 + 0.06 * progress.runs) * chance.uniform(0.99, 1.01))
        gigabytes = round(data.gigabytes * rows / data.rows, 1)
        part = f"part-{chance.randrange(16**6):06x}"
        logged = _log(
            data.logged,
            "dataset",
            {"rows": rows, "gigabytes": gigabytes, "format": "parquet", "keeper": data.keeper},
            files={"manifest.parquet": rows * 24, "schema.json": chance.randint(1_200, 5_000)},
            references=(f"s3://acme-lake/{data.name}/{part}/",),
        )
        yield self._step(LOADER, logged)
        progress.runs += 1
        yield self._step(data.keeper, _link(f"{data.logged}:latest", data.linked, "current"), 50)
        progress.links += 1
        yield self._step("yusuf", _tag(f"{data.linked}:current", "privacy-reviewed"), 130)

    def withdraw(self, data: Dataset) -> Iterator[Step]:
        """The privacy review is taken back until somebody has looked at the consents."""
        yield self._step("yusuf", _untag(f"{data.linked}:current", "privacy-reviewed"), 90)
        yield self._step(data.keeper, _tag(data.logged, "needs-consent-check"), 15)
        yield self._step(data.keeper, _untag(data.logged, "needs-consent-check"), 240)

    def _prompt_scenario(self, prompt: Prompt) -> Iterator[Step]:
        yield from self.rewrite(prompt)
        if self.chance.random() < 0.6:
            yield from self.serve(prompt)

    def rewrite(self, prompt: Prompt) -> Iterator[Step]:
        """A draft is logged and put on trial."""
        chance, progress = self.chance, self.progress[prompt.logged]
        draft = f"draft-{chance.randrange(16**6):06x}"
        logged = _log(
            prompt.logged,
            "prompt",
            {
                "tokens": int(prompt.tokens * chance.uniform(0.85, 1.15)),
                "temperature": chance.choice((0.0, 0.2, 0.4)),
                "win_rate": round(prompt.win_rate + 0.02 * progress.runs, 3),
                "draft": draft,
            },
            files={"prompt.md": int(prompt.tokens * 4.4), "cases.jsonl": 18_400},
        )
        yield self._step(prompt.writer, logged)
        progress.runs += 1
        trial = _link(f"{prompt.logged}:latest", prompt.linked, "trial")
        yield self._step(prompt.writer, trial, 20)
        progress.links += 1

    def serve(self, prompt: Prompt) -> Iterator[Step]:
        """The prompt on trial goes live."""
        yield self._step(prompt.writer, _add_alias(f"{prompt.linked}:trial", "live"), 160)


def _log(
    collection: str,
    type_: str,
    metadata: dict[str, JsonValue],
    *,
    files: Mapping[str, int],
    references: tuple[str, ...] = (),
    aliases: tuple[str, ...] = (),
) -> Act:
    """Log a version of made-up files; `files` maps their names to their bytes."""
    reference = CollectionReference.parse(collection)

    def act(change: Change) -> None:
        content = _content(f"{collection} {change.now}", files, references)
        versions.log(change, reference, content, type_=type_, metadata=metadata, aliases=aliases)

    return act


def _content(salt: str, files: Mapping[str, int], references: tuple[str, ...]) -> Content:
    def digest(name: str) -> str:
        return hashlib.sha256(f"{salt} {name}".encode()).hexdigest()

    entries = [Entry(path=name, size=size, sha256=digest(name)) for name, size in files.items()]
    entries += [Entry(path=uri, uri=uri) for uri in references]
    entries.sort(key=lambda entry: entry.path)
    return Content(entries=tuple(entries), digest=digest_of(entries))


def _link(version: str, collection: str, alias: str) -> Act:
    source, target = VersionReference.parse(version), CollectionReference.parse(collection)
    return lambda change: versions.link(change, source, target, [alias])


def _unlink(version: str) -> Act:
    return lambda change: versions.unlink(change, VersionReference.parse(version))


def _label(verb: Callable[..., object], target: str, label: str) -> Act:
    found = parse_target(target)
    return lambda change: verb(change, found, [label])


_add_alias, _remove_alias = partial(_label, add_aliases), partial(_label, remove_aliases)
_tag, _untag = partial(_label, add_tags), partial(_label, remove_tags)
