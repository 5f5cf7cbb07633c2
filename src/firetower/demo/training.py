"""Training runs of the demo: most learn, some diverge, some die without a word."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from itertools import chain
from random import Random

from pydantic import JsonValue

from firetower.core.points import Point
from firetower.core.references import ContainerReference
from firetower.core.runs import RunReference, RunState
from firetower.demo.cast import MODELS, Model

PROJECT = "acme/vision"
_MODELS = tuple(model for model in MODELS if model.project == PROJECT)
_STEPS = 160
"""Steps of a run that learns to its end."""
_STEP = timedelta(seconds=40)
"""The time of a step in the past; the live runs are quicker."""
_PAST_RUNS = 27
_PAST = timedelta(days=21)


class Fate(Enum):
    """How a run ends."""

    LEARNS = auto()
    DIVERGES = auto()
    """Its loss explodes, and it fails."""
    DIES = auto()
    """Its process is gone from one step to the next."""


@dataclass(frozen=True, slots=True)
class Training:
    """A run: what it is made of, and how it goes."""

    id: str
    model: Model
    learning_rate: float
    batch: int
    fate: Fate

    @classmethod
    def plan(cls, chance: Random, fate: Fate) -> "Training":
        """Choose a run that ends in a given way: those with a high learning rate diverge."""
        rate = chance.choice((0.03, 0.05) if fate is Fate.DIVERGES else (3e-4, 1e-3, 3e-3))
        model, batch = chance.choice(_MODELS), chance.choice((64, 128, 256))
        return cls(f"{chance.randrange(16**8):08x}", model, rate, batch, fate)

    @property
    def name(self) -> str:
        """As people name runs: after what they try."""
        return f"{self.model.name}-{self.learning_rate:g}"

    @property
    def reference(self) -> RunReference:
        """The run's reference."""
        return RunReference(project=ContainerReference.project(PROJECT), id=self.id)

    @property
    def config(self) -> dict[str, JsonValue]:
        """Its configuration."""
        return {
            "learning_rate": self.learning_rate,
            "batch_size": self.batch,
            "dataset": self.model.dataset,
            "framework": self.model.framework,
            "optimizer": {"name": "adamw", "weight_decay": 0.01},
        }

    @property
    def steps(self) -> int:
        """How many steps it takes."""
        return {Fate.LEARNS: _STEPS, Fate.DIVERGES: _STEPS // 2, Fate.DIES: _STEPS // 3}[self.fate]

    @property
    def end(self) -> RunState:
        """The state that it ends in."""
        return {
            Fate.LEARNS: RunState.FINISHED,
            Fate.DIVERGES: RunState.FAILED,
            Fate.DIES: RunState.CRASHED,
        }[self.fate]

    def points(self, step: int) -> Iterator[Point]:
        """Yield what it logs at a step."""
        chance = Random(f"{self.id} {step}")  # noqa: S311
        share = step / _STEPS
        learned = 1 - math.exp(-5 * share)
        loss = 0.12 + 2.2 * (1 - learned) + chance.gauss(0, 0.04)
        norm = 1.2 - 0.7 * learned + abs(chance.gauss(0, 0.1))
        turn = step - _STEPS // 4
        if self.fate is Fate.DIVERGES and turn > 0:
            loss, norm = loss * math.exp(turn / 9), norm * math.exp(turn / 7)
        if self.fate is Fate.DIVERGES and step >= self.steps - 2:
            loss = math.nan
        yield Point("loss", step, loss)
        yield Point("grad_norm", step, norm)
        rate = self.learning_rate * (1 + math.cos(math.pi * share)) / 2
        yield Point("learning_rate", step, rate)
        yield Point("system.gpu.0.utilization", step, 88 + chance.uniform(-6, 9))
        if step % 4 == 0:
            accuracy = self.model.accuracy * (0.35 + 0.65 * learned) + chance.gauss(0, 0.006)
            yield Point("val.accuracy", step, min(accuracy, 1.0))


@dataclass(frozen=True, slots=True)
class PastTraining:
    """A run of the past."""

    training: Training
    begin: datetime

    def pieces(self) -> Iterator[tuple[datetime, Sequence[Point]]]:
        """Yield what it logged at once, and when: at its end, but of what diverges more often."""
        training, steps = self.training, self.training.steps
        size = steps // 4 if training.fate is Fate.DIVERGES else steps
        for first in range(0, steps, size):
            points = chain.from_iterable(map(training.points, range(first, first + size)))
            yield self.begin + (first + size) * _STEP, list(points)


def past_trainings(seed: int, now: datetime) -> Iterator[PastTraining]:
    """Yield the runs of the last weeks, by their begin; each has ended."""
    chance = Random(f"{seed} past runs")  # noqa: S311
    latest = now - (_STEPS + 1) * _STEP
    for number in range(_PAST_RUNS):
        fate = {3: Fate.DIVERGES, 6: Fate.DIES}.get(number % 9, Fate.LEARNS)
        begin = latest - _PAST * (1 - (number + chance.random()) / _PAST_RUNS)
        yield PastTraining(Training.plan(chance, fate), begin)


def live_trainings(seed: int, fate: Fate) -> Iterator[Training]:
    """Yield runs that end in a given way, one after the other without end."""
    chance = Random(f"{seed} {fate.name} runs")  # noqa: S311
    while True:
        yield Training.plan(chance, fate)
