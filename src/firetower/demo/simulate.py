"""The team at work: one story after another, at a pace that can be watched."""

from collections.abc import Callable, Iterator
from random import Random

from firetower.core.catalog import Version
from firetower.core.errors import FiretowerError, NotFound
from firetower.demo.acts import Step, perform
from firetower.demo.stories import Standing, next_story
from firetower.demo.team import DATASETS, MODELS, PROMPTS, Line, Model
from firetower.tower import Tower, connect

_PAUSE = (3.0, 6.0)
"""Seconds between two changes at speed 1."""


def simulate(database_url: str, *, speed: float, seed: int, wait: Callable[[float], bool]) -> None:
    """Let the team work until `wait`, which takes seconds, returns True.

    The same seed tells the same stories. Whatever somebody else changes meanwhile ends a story
    that it makes impossible, not the team's work.
    """
    chance = Random(seed)  # noqa: S311
    for line in _lines(chance):
        with connect(database_url) as tower:
            steps = next_story(line, _standing(tower, line), chance)
        for step in steps:
            if wait(chance.uniform(*_PAUSE) / speed):
                return
            try:
                _take(database_url, step)
            except FiretowerError:
                break


def _take(database_url: str, step: Step) -> None:
    with connect(database_url, author=step.author) as tower:
        perform(tower, step.act)


def _lines(chance: Random) -> Iterator[Line]:
    """Yield lines of work for ever: models twice as often as data and prompts together."""
    while True:
        models = chance.sample(MODELS, len(MODELS))
        others: list[Line] = [*DATASETS, *PROMPTS]
        for number, model in enumerate(models):
            yield model
            if number % 2:
                yield chance.choice(others)


def _standing(tower: Tower, line: Line) -> Standing:
    """Return how far a line of work has come, as the catalog tells."""
    logged, linked = _versions(tower, line.logged), _versions(tower, line.linked)
    standing = Standing(runs=_following(logged), links=_following(linked))
    if isinstance(line, Model) and linked:
        standing.serving = _index_of(linked, "production")
        standing.fallback = _index_of(linked, "fallback")
        standing.unlinked = min(version.index for version in linked)
    return standing


def _versions(tower: Tower, collection: str) -> list[Version]:
    try:
        return tower.versions(collection)
    except NotFound:
        return []


def _following(versions: list[Version]) -> int:
    """Return the index after the newest."""
    return max((version.index for version in versions), default=-1) + 1


def _index_of(versions: list[Version], alias: str) -> int | None:
    return next((version.index for version in versions if alias in version.aliases), None)
