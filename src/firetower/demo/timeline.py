"""When things happened: months of stories in working hours, and the last minutes before now."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random

from firetower.demo import stories
from firetower.demo.acts import Act, Step
from firetower.demo.stories import Standing, next_story
from firetower.demo.team import DATASETS, MODELS, PROMPTS, Dataset, Line, Model

LENGTH = timedelta(days=120)
_CUT = timedelta(hours=6)
"""Before now, the minutes of `_of_late` have the stage to themselves."""
_DAYS_BETWEEN = {Model: (15, 31), Dataset: (34, 56)}
_DAYS_BETWEEN_PROMPTS = (42, 70)


@dataclass(frozen=True, slots=True)
class Moment:
    """An act at its time."""

    at: datetime
    author: str
    act: Act


def timeline(now: datetime, chance: Random) -> list[Moment]:
    """Return what the team did in the last months, in order of time."""
    standings = {line.logged: Standing() for line in (*MODELS, *DATASETS, *PROMPTS)}
    moments: list[Moment] = []
    for line in (*MODELS, *DATASETS, *PROMPTS):
        moments += _months_of(line, standings[line.logged], now, chance)
    moments += _of_late(standings, now, chance)
    return sorted(moments, key=lambda moment: moment.at)


def working_time(moment: datetime, chance: Random) -> datetime:
    """Return a time of day at which people work, on that day or the next that is none off."""
    if moment.weekday() >= 5 and chance.random() < 0.9:
        moment += timedelta(days=7 - moment.weekday())
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(hours=chance.triangular(7.5, 18.5, 10))


def _months_of(line: Line, standing: Standing, now: datetime, chance: Random) -> Iterator[Moment]:
    shortest, longest = _DAYS_BETWEEN.get(type(line), _DAYS_BETWEEN_PROMPTS)
    begin = now - LENGTH + timedelta(days=chance.uniform(1, 6))
    while True:
        later = replace(standing)
        moments = _from(working_time(begin, chance), next_story(line, later, chance))
        if moments[-1].at > now - _CUT:
            return
        yield from moments
        for name in Standing.__slots__:
            setattr(standing, name, getattr(later, name))
        begin = moments[-1].at + timedelta(days=chance.uniform(shortest, longest))


def _from(begin: datetime, steps: Sequence[Step]) -> list[Moment]:
    times = accumulate((step.after for step in steps[1:]), initial=timedelta(0))
    return [
        Moment(begin + after, step.author, step.act)
        for after, step in zip(times, steps, strict=True)
    ]


def _of_late(standings: dict[str, Standing], now: datetime, chance: Random) -> Iterator[Moment]:
    """Yield what fills the feed when somebody opens it: each outcome, the newest seconds ago."""
    models = {model.name: model for model in MODELS}
    datasets = {data.name: data for data in DATASETS}
    prompts = {prompt.name: prompt for prompt in PROMPTS}

    def until(ago: float, over: float, steps: Iterable[Step]) -> list[Moment]:
        """Place steps so that the last is `ago` and the first `ago + over` minutes before now."""
        listed = list(steps)
        total = sum((step.after for step in listed[1:]), timedelta(0))
        scale = timedelta(minutes=over) / total
        begin = now - timedelta(minutes=ago + over)
        return _from(begin, [replace(step, after=step.after * scale) for step in listed])

    def promoted(model: Model) -> Iterator[Step]:
        yield from stories.train(model, standings[model.logged], chance)
        yield from stories.promote(model, standings[model.logged], chance)

    scenes, clicks, triage = datasets["street-scenes"], datasets["clicks-daily"], prompts["triage"]
    yield from until(
        31,
        290,
        [
            *stories.refresh(scenes, standings[scenes.logged], chance),
            *stories.withdraw(scenes, chance),
        ],
    )
    waker = models["wake-word"]
    yield from until(190, 90, promoted(waker))
    pulled = stories.roll_back(waker, standings[waker.logged], chance)
    yield from until(52, 6, pulled)
    reader = models["plate-reader"]
    yield from until(75, 170, promoted(reader))
    pulled = stories.roll_back(reader, standings[reader.logged], chance)
    yield from until(0.1, 0.25, pulled)
    yield from until(11, 95, promoted(models["intent-router"]))
    yield from until(1.6, 64, promoted(models["transcriber"]))
    yield from until(0.7, 21, stories.refresh(clicks, standings[clicks.logged], chance))
    rewritten = stories.rewrite(triage, standings[triage.logged], chance)
    yield from until(2.6, 38, [*rewritten, *stories.serve(triage, chance)])
    signs = models["sign-detector"]
    yield from until(0.15, 17, stories.train(signs, standings[signs.logged], chance))
