"""Stories: how a run becomes a model in production, data is refreshed, a prompt is rewritten."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from firetower.demo.acts import (
    AddAlias,
    AddTag,
    Link,
    Log,
    RemoveAlias,
    RemoveTag,
    Step,
    Unlink,
)
from firetower.demo.team import EVALUATOR, LOADER, OPERATOR, Dataset, Line, Model, Prompt

_MEGABYTE = 1_000_000


@dataclass(slots=True)
class Standing:
    """How far a line of work has come. A story moves it on."""

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


def next_story(line: Line, standing: Standing, chance: Random) -> list[Step]:
    """Return what happens next in a line of work, and move its standing on."""
    match line:
        case Model():
            return list(_train(line, standing, chance))
        case Dataset():
            return list(_refresh(line, standing, chance))
        case Prompt():
            return list(_rewrite(line, standing, chance))


def _train(model: Model, standing: Standing, chance: Random) -> Iterator[Step]:
    passed = standing.runs == 0 or chance.random() < 0.8
    yield from train(model, standing, chance, passed=passed)
    if not passed or (standing.serving is not None and chance.random() < 0.45):
        return
    yield from promote(model, standing, chance)
    if standing.fallback is not None and chance.random() < 0.15:
        yield from roll_back(model, standing, chance)
    elif _has_old_link(standing):
        yield from _tidy(model, standing, chance)


def train(
    model: Model, standing: Standing, chance: Random, *, passed: bool = True
) -> Iterator[Step]:
    """A run logs a candidate, the evaluation gives its verdict, a good one is staged."""
    candidate = f"{model.logged}:candidate"
    yield Step(model.owner, _run(model, standing.runs, chance))
    standing.runs += 1
    verdict = AddTag(candidate, "eval-passed" if passed else "eval-failed")
    yield Step(EVALUATOR, verdict, _about(24, chance))
    if passed:
        yield Step(model.owner, Link(candidate, model.linked, "staging"), _about(35, chance))
        standing.links += 1


def promote(model: Model, standing: Standing, chance: Random) -> Iterator[Step]:
    """What is staged is signed off and goes to production; what was there stays at hand."""
    sign = AddTag(f"{model.linked}:staging", "signed-off")
    yield Step(model.reviewer, sign, _about(110, chance))
    if standing.serving is not None:
        keep = AddAlias(f"{model.linked}:production", "fallback")
        yield Step(model.reviewer, keep, _about(14, chance))
        standing.fallback = standing.serving
    up = AddAlias(f"{model.linked}:staging", "production")
    yield Step(model.reviewer, up, _about(3, chance))
    standing.serving = standing.links - 1


def roll_back(model: Model, standing: Standing, chance: Random) -> Iterator[Step]:
    """Production goes back to the version before."""
    pull = RemoveAlias(f"{model.linked}:production", "production")
    yield Step(model.reviewer, pull, _about(80, chance))
    up = AddAlias(f"{model.linked}:fallback", "production")
    yield Step(model.reviewer, up, _about(2, chance))
    standing.serving, standing.fallback = standing.fallback, None


def _has_old_link(standing: Standing) -> bool:
    oldest = standing.unlinked
    return standing.links - oldest > 3 and oldest not in {standing.serving, standing.fallback}


def _tidy(model: Model, standing: Standing, chance: Random) -> Iterator[Step]:
    """The oldest link goes; the collection is marked while somebody looks at it."""
    yield Step(OPERATOR, AddTag(model.linked, "cleanup"), _about(200, chance))
    yield Step(OPERATOR, Unlink(f"{model.linked}:v{standing.unlinked}"), _about(6, chance))
    yield Step(OPERATOR, RemoveTag(model.linked, "cleanup"), _about(4, chance))
    standing.unlinked += 1


def _run(model: Model, run: int, chance: Random) -> Log:
    gain = (1 - model.accuracy) * 0.7 * (1 - math.exp(-run / 5))
    accuracy = min(model.accuracy + gain + chance.gauss(0, 0.006), 0.997)
    name = f"run-{chance.randrange(16**6):06x}"
    weights = "model.txt" if model.framework == "lightgbm" else "model.safetensors"
    return Log(
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
        files=(
            (weights, int(model.megabytes * _MEGABYTE * chance.uniform(0.97, 1.04))),
            ("config.json", chance.randint(900, 4_000)),
            ("metrics.json", chance.randint(2_000, 9_000)),
        ),
        references=(f"s3://acme-checkpoints/{model.name}/{name}/",),
        aliases=("candidate",),
    )


def _refresh(data: Dataset, standing: Standing, chance: Random) -> Iterator[Step]:
    yield from refresh(data, standing, chance)
    if chance.random() < 0.12:
        yield from withdraw(data, chance)


def refresh(data: Dataset, standing: Standing, chance: Random) -> Iterator[Step]:
    """New data is logged, linked and reviewed."""
    rows = int(data.rows * (1 + 0.06 * standing.runs) * chance.uniform(0.99, 1.01))
    gigabytes = round(data.gigabytes * rows / data.rows, 1)
    day = f"part-{chance.randrange(16**6):06x}"
    yield Step(
        LOADER,
        Log(
            data.logged,
            "dataset",
            {"rows": rows, "gigabytes": gigabytes, "format": "parquet", "keeper": data.keeper},
            files=(
                ("manifest.parquet", rows * 24),
                ("schema.json", chance.randint(1_200, 5_000)),
            ),
            references=(f"s3://acme-lake/{data.name}/{day}/",),
        ),
    )
    standing.runs += 1
    link = Link(f"{data.logged}:latest", data.linked, "current")
    yield Step(data.keeper, link, _about(50, chance))
    standing.links += 1
    review = AddTag(f"{data.linked}:current", "privacy-reviewed")
    yield Step("yusuf", review, _about(130, chance))


def withdraw(data: Dataset, chance: Random) -> Iterator[Step]:
    """The privacy review is taken back until somebody has looked at the consents."""
    revoke = RemoveTag(f"{data.linked}:current", "privacy-reviewed")
    yield Step("yusuf", revoke, _about(90, chance))
    yield Step(data.keeper, AddTag(data.logged, "needs-consent-check"), _about(15, chance))
    done = RemoveTag(data.logged, "needs-consent-check")
    yield Step(data.keeper, done, _about(240, chance))


def _rewrite(prompt: Prompt, standing: Standing, chance: Random) -> Iterator[Step]:
    yield from rewrite(prompt, standing, chance)
    if chance.random() < 0.6:
        yield from serve(prompt, chance)


def rewrite(prompt: Prompt, standing: Standing, chance: Random) -> Iterator[Step]:
    """A draft is logged and put on trial."""
    draft = f"draft-{chance.randrange(16**6):06x}"
    yield Step(
        prompt.writer,
        Log(
            prompt.logged,
            "prompt",
            {
                "tokens": int(prompt.tokens * chance.uniform(0.85, 1.15)),
                "temperature": chance.choice((0.0, 0.2, 0.4)),
                "win_rate": round(prompt.win_rate + 0.02 * standing.runs, 3),
                "draft": draft,
            },
            files=(("prompt.md", int(prompt.tokens * 4.4)), ("cases.jsonl", 18_400)),
        ),
    )
    standing.runs += 1
    link = Link(f"{prompt.logged}:latest", prompt.linked, "trial")
    yield Step(prompt.writer, link, _about(20, chance))
    standing.links += 1


def serve(prompt: Prompt, chance: Random) -> Iterator[Step]:
    """The prompt on trial goes live."""
    live = AddAlias(f"{prompt.linked}:trial", "live")
    yield Step(prompt.writer, live, _about(160, chance))


def _about(minutes: float, chance: Random) -> timedelta:
    return timedelta(seconds=round(minutes * 60 * chance.uniform(0.6, 1.5), 3))
