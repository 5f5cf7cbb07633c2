"""What Python's callers pass: one string is one, and what does not fit is refused in two lines."""

import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import firetower
from firetower.core.actions import NoAction
from firetower.core.automations import Definition, Mode
from firetower.core.endpoints import EndpointKind, EndpointSettings
from firetower.core.errors import FiretowerError, InvalidInput, StoreError
from firetower.core.events import EventType
from firetower.core.references import ContainerReference
from firetower.core.scopes import ContainerScope
from firetower.store.store import Store
from firetower.tower import Tower
from towers import linked_model

MODELS = ContainerReference.registry("models")
FITTING: dict[str, Any] = {
    "parts": 24,
    "span": timedelta(hours=24),
    "collection": "acme/vision/resnet",
    "type": "model",
    "version": "models/resnet:v0",
    "target": "models/resnet",
    "name": "acme/name",
    "automation": "any",
    "endpoint": "ci",
    "count": 5,
    "aliases": "a",
    "labels": "a",
    "reference": MODELS,
    "container": MODELS,
    "value": "v",
    "kind": EndpointKind.WEBHOOK,
    "limit": 5,
    "event_id": 1,
    "execution_id": 1,
    "number": 1,
    "type_": EventType.LINK_ARTIFACT,
    "execution_ids": [1],
    "since": datetime.now(UTC),
    "before": datetime.now(UTC),
    "age": timedelta(days=3),
    "items": [],
    "after": 0,
    "mode": Mode.ENABLED,
    "project": "acme/vision",
    "run": "acme/vision/one",
    "metrics": {"loss": 1.0},
    "metric": "loss",
    "rows": [1],
    "title": "any",
    "length": 5,
    "user": "ada",
    "token_id": 1,
    "definition": Definition(
        name="any",
        scope=ContainerScope(container=MODELS),
        event_type=EventType.LINK_ARTIFACT,
        action=NoAction(),
    ),
    "settings": EndpointSettings(name="any", kind=EndpointKind.WEBHOOK, url="http://ci.test/"),
}
MISFITS: tuple[object, ...] = (
    ["a", 7],
    [],
    7,
    0,
    -1.5,
    {"a": 1},
    b"a",
    None,
    object(),
    True,
    datetime(2026, 1, 1),
    2**70,
    2**31,
    timedelta.max,
    timedelta(microseconds=3),
    "a\0b",
    ["\ud800"],
)


class Unreadable(Mapping[str, object]):
    def __getitem__(self, key: str) -> object:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(["a"])

    def __len__(self) -> int:
        return 1


class Pathless(os.PathLike[str]):
    def __fspath__(self) -> str:
        return 7  # type: ignore[return-value]

    def __float__(self) -> float:
        raise KeyError

    __index__ = __str__ = __float__  # type: ignore[assignment]


ODD: tuple[object, ...] = (np.array(1), np.array(["a"]), 10**5_000, Unreadable(), Pathless(), "")
PARTS = (
    *("", "automations", "endpoints", "events", "executions", "explain", "runs", "secrets"),
    *("tokens", "upkeep"),
)
LEFT_OUT = {
    *("close", "reopened", "run", "write"),
    *("test", "rotate", "revision", "chain", "open_secrets"),
}


def calls(tower: Tower) -> Iterator[tuple[str, Callable[..., object], list[inspect.Parameter]]]:
    for part in PARTS:
        owner = getattr(tower, part) if part else tower
        for name, method in inspect.getmembers(owner, inspect.ismethod):
            if not name.startswith("_") and name not in LEFT_OUT:
                yield f"{part}.{name}", method, list(inspect.signature(method).parameters.values())


def outcome(method: Callable[..., object], positional: Any, named: Any) -> Exception | None:
    try:
        method(*positional, **named)
    except Exception as error:
        return error
    return None


def test_no_argument_of_any_method_raises_a_bare_error(store: Store) -> None:
    tower = Tower(store)
    linked_model(tower)
    tower.runs.log_metrics(tower.runs.start("acme/vision", id="one"), {"loss": 1.0})
    tried = 0
    for called, method, parameters in calls(tower):
        for wrong in parameters:
            for misfit in (*MISFITS, *ODD):
                values = {
                    one.name: misfit if one is wrong else FITTING[one.name]
                    for one in parameters
                    if one is wrong or one.default is one.empty
                }
                several = [one.name for one in parameters if one.kind is one.VAR_POSITIONAL]
                positional = [
                    values.pop(one.name) for one in parameters if several and one.name in values
                ]
                tried += 1
                error = outcome(method, positional, values)
                assert isinstance(error, FiretowerError | None), (called, wrong.name, misfit, error)
                assert error is None or len(error.text.splitlines()) == 2, (called, error)
                failed = isinstance(error, StoreError) and called != "upkeep.give_back_space"
                assert not failed, (called, wrong.name, misfit, error)
    assert tried > 500


@pytest.mark.parametrize(
    "act",
    [
        lambda tower: tower.log("acme/vision/new", ["f"], type="model", aliases=["a", 7]),
        lambda tower: tower.log("acme/vision/new", ["f"], type="model", aliases={"a": "b"}),
        lambda tower: tower.log("acme/vision/new", ["f"], type="model", tags=7),
        lambda tower: tower.log("acme/vision/new", [7], type="model"),
        lambda tower: tower.log("acme/vision/new", b"f", type="model"),
        lambda tower: tower.log("acme/vision/new", type="model", references=[Path("f")]),
        lambda tower: tower.log(["acme/vision/new"], ["f"], type="model"),
        lambda tower: tower.log("acme/vision/new", ["f"], type=["model"]),
        lambda tower: tower.log("acme/vision/new", ["f"], type="model", metadata=7),
        lambda tower: tower.log("acme/vision/new", ["f"], type="model", metadata=[("a", 1)]),
        lambda tower: tower.log_many([{"collection": "a/b/c", "type": "m", "aliases": 7}]),
        lambda tower: tower.link("models/resnet:v0", "models/resnet", aliases=7),
        lambda tower: tower.add_alias("models/resnet:v0", ["a", "b"]),
        lambda tower: tower.remove_tag("models/resnet:v0", ["a"]),
        lambda tower: tower.create_registry("new", description=["a"]),
        lambda tower: tower.executions.redeliver("12"),
        lambda tower: tower.executions.redeliver({"12"}),
        lambda tower: tower.log_many(np.array(1)),
        lambda tower: tower.log_many([Unreadable()]),
        lambda tower: tower.log_many([{"collection": "a/b/c", "type": "m", "paths": Pathless()}]),
        lambda tower: tower.log("acme/vision/new", Pathless(), type="model"),
        lambda tower: tower.log("acme/vision/new", ["f"], type="model", run=10**5_000),
        lambda tower: tower.log("acme/vision/new", ["f"], type="model", metadata={"a": Pathless()}),
        lambda tower: tower.run("acme/vision", config=Unreadable()),
        lambda tower: tower.executions.newest(5, since=datetime(2026, 1, 1)),
        lambda tower: tower.container("models"),
        lambda tower: tower.runs.listing(ContainerReference.project("acme/vision"), metrics="loss"),
        lambda tower: firetower.connect(7),  # type: ignore[arg-type]
        lambda tower: firetower.connect(Pathless()),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(
    store: Store, act: Callable[[Any], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f").write_text("x")
    tower = Tower(store)
    linked_model(tower)
    before = tower.events.newest(100)
    with pytest.raises(InvalidInput) as refused:
        act(tower)
    assert len(refused.value.text.splitlines()) == 2
    assert tower.events.newest(100) == before


def test_one_string_or_path_is_one(store: Store, tmp_path: Path) -> None:
    tower = Tower(store)
    file = tmp_path / "model.pt"
    file.write_text("x")
    for paths in (str(file), file):
        version = tower.log(
            "acme/vision/vit", paths, type="m", references="s3://b/k", aliases="prod", tags="eu"
        )
        assert version.aliases == ("latest", "prod")
        assert version.tags == ("eu",)
        entries = tower.version(version).entries
        assert [entry.path for entry in entries] == ["model.pt", "s3://b/k"]
    tower.create_registry("models")
    assert "staging" in tower.link(version, "models/vit", aliases="staging").aliases
    item = {"collection": "acme/vision/many", "type": "m", "paths": file, "aliases": "prod"}
    assert tower.log_many([item]) == 1
    assert tower.version("acme/vision/many:prod").entries[0].path == "model.pt"


def test_a_secret_of_the_wrong_type_is_not_shown(store: Store) -> None:
    with pytest.raises(InvalidInput) as refused:
        Tower(store).secrets.set("TOKEN", b"s3cret")  # type: ignore[arg-type]
    assert "s3cret" not in refused.value.text


def test_a_database_may_be_given_as_a_path(tmp_path: Path) -> None:
    with firetower.connect(tmp_path / "tower.db") as tower:
        tower.create_registry("models")
    assert (tmp_path / "tower.db").exists()


def test_two_spellings_of_a_name_are_one_everywhere(store: Store) -> None:
    tower = Tower(store)
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    tower.create_registry(decomposed)
    version = tower.log(f"acme/vision/{decomposed}", type="model", empty=True, aliases=[composed])
    tower.add_alias(f"acme/vision/{composed}:{decomposed}", decomposed)
    tower.link(version, f"{composed}/{decomposed}")
    tower.add_tag(f"{decomposed}/{composed}", composed, decomposed)
    [collection] = tower.container(ContainerReference.registry(composed))[1]
    assert (collection.reference.full_name, collection.tags) == (
        f"{composed}/{composed}",
        (composed,),
    )
    assert tower.version(f"acme/vision/{composed}:{composed}").version.aliases == (
        composed,
        "latest",
    )
    scope = ContainerScope(container=ContainerReference.registry(decomposed))
    type_ = EventType.LINK_ARTIFACT
    tower.automations.create(
        Definition(name=decomposed, scope=scope, event_type=type_, action=NoAction())
    )
    assert (
        tower.automations.get(composed).name == tower.automations.get(decomposed).name == composed
    )


def test_a_negative_limit_is_none_at_all(store: Store) -> None:
    tower = Tower(store)
    linked_model(tower)
    assert tower.events.newest(1)
    for limit in (0, -1, -(2**70)):
        assert not tower.events.newest(limit)
        assert not tower.executions.newest(limit)
        assert not tower.automations.list(limit=limit)
        assert not tower.executions.page(limit).entries
