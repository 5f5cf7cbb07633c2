"""Curves and lists of runs, on both databases."""

import math
from datetime import timedelta
from unittest.mock import patch

import pytest

from firetower.core.errors import NotFound
from firetower.core.events import EventType
from firetower.core.metrics import Comparison, ThresholdCondition
from firetower.core.points import Point
from firetower.core.references import ContainerReference
from firetower.core.runs import RunState
from firetower.core.scopes import ContainerScope
from firetower.store import curves
from firetower.store.store import Store
from store.bench import Bench

VISION, ACME = ContainerReference.project("acme/vision"), ContainerReference.entity_named("acme")


@pytest.fixture
def bench(store: Store) -> Bench:
    return Bench(store)


def test_curve_of_few_values_has_each(bench: Bench) -> None:
    runs = bench.tower.runs
    run = runs.start("acme/vision")
    values = [0.5, math.nan, math.inf, -math.inf, -1e308, 1e308, 0.25]
    runs.log(run, [Point("loss", 10 + step, value) for step, value in enumerate(values)])
    curve = runs.curves(run, ["loss", "none"])["loss"]
    assert (curve.first, curve.last, curve.count, curve.is_exact) == (10, 16, 7, True)
    assert curve.ranges == {0: (0.5, 0.5), 4: (-1e308,) * 2, 5: (1e308,) * 2, 6: (0.25, 0.25)}
    with pytest.raises(NotFound):
        runs.curves("acme/vision/nothere", ["loss"])


def test_long_curve_is_sketched_then_read_and_extended(bench: Bench) -> None:
    runs = bench.tower.runs
    run = runs.start("acme/vision")
    points = [Point("loss", step, float(step % 1_000)) for step in range(0, 9_000, 3)]
    runs.log(run, points[:2_900])
    with patch.object(curves, "QUICK", 1_000):
        sketch = runs.curves(run, ["loss"], quick=True)["loss"]
        assert not sketch.is_exact
        assert len(sketch.ranges) > 100
        whole = runs.curves(run, ["loss"], {"loss": sketch})["loss"]
        assert whole.is_exact
        assert runs.curves(run, ["loss"], {"loss": whole}, quick=True)["loss"] == whole
        runs.log(run, points[2_900:])
        more = runs.curves(run, ["loss"], {"loss": whole}, quick=True)["loss"]
        assert more == runs.curves(run, ["loss"])["loss"]
    assert more == runs.curves(run, ["loss"])["loss"]  # grouped at once


def test_run_list_shows_watched_then_common_metrics(bench: Bench) -> None:
    runs = bench.tower.runs
    first = runs.start("acme/vision", name="first", user="ada")
    runs.log_metrics(first, {"acc": 0.5, "loss": math.nan, "rare": 1, "system": {"cpu": 3}})
    bench.now += timedelta(minutes=1)
    second = runs.start("acme/nlp", name="second")
    for step in range(100):
        runs.log_metrics(second, {"loss": 1 - step / 100, "acc": step / 100}, step)
    runs.finish(second)
    listed = runs.listing(ACME)
    assert (listed.total, listed.metrics) == (2, ("acc", "loss", "rare"))
    assert [(one.name, one.project, one.state) for one in listed.lines] == [
        ("second", "acme/nlp", RunState.FINISHED),
        ("first", "acme/vision", RunState.RUNNING),
    ]
    assert listed.lines[0].values == (0.99, 1 - 0.99, None)
    assert math.isnan(listed.lines[1].values[1] or 0)
    assert [one.name for one in runs.listing(ACME, limit=1).lines] == ["second"]
    assert runs.listing(VISION, metrics=["system.cpu"]).metrics[0] == "system.cpu"
    assert runs.metric_names(VISION) == ["acc", "loss", "rare", "system.cpu"]
    row = listed.lines[0].row
    assert runs.sparks([row], "acc", 4) == {row: [0.0, 0.33, 0.66, 0.99]}
    condition = ThresholdCondition(metric="rare", comparison=Comparison.GT, threshold=9)
    bench.automate(
        "rare",
        scope=ContainerScope(container=VISION),
        event_type=EventType.RUN_METRIC,
        condition=condition,
    )
    assert [one.name for one in runs.watching(VISION)] == ["rare"]
    assert runs.listing(VISION).metrics == ("rare", "acc", "loss")
    assert runs.watching(ContainerReference.project("acme/nlp")) == []
