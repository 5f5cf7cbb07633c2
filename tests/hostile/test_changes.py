"""Hostile text in every place that takes text: stored whole or refused whole, on both databases."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from firetower.core.actions import SlackAction, WebhookAction
from firetower.core.automations import Definition
from firetower.core.errors import FiretowerError
from firetower.core.events import EventType
from firetower.core.filters.filter import Filter
from firetower.core.references import ContainerReference
from firetower.core.scopes import ContainerScope
from firetower.store import schema
from firetower.store.store import Store
from firetower.tower import Tower
from hostile.texts import SURROGATE, TEXTS
from towers import linked_model, webhook

Act = Callable[[Tower, str], object]
MOST_SAID = 2_000
REFERENCE = "models/resnet:v0"


def _automate(tower: Tower, **more: Any) -> None:
    given = {
        "name": "deploy",
        "scope": ContainerScope(container=ContainerReference.registry("models")),
        "event_type": EventType.ADD_ARTIFACT_ALIAS,
        "action": WebhookAction(endpoint="ci"),
    }
    tower.automations.create(Definition.model_validate({**given, **more}))


def _log(tower: Tower, **more: Any) -> None:
    tower.log("acme/vision/hostile", **{"type": "model", "aliases": ["a"], "tags": ["t"], **more})


PLACES: dict[str, Act] = {
    "registry": lambda tower, text: tower.create_registry(text),
    "description": lambda tower, text: tower.create_registry("new", text),
    "project": lambda tower, text: tower.create_project(f"acme/{text}"),
    "collection": lambda tower, text: tower.log(f"acme/vision/{text}", type="model", empty=True),
    "type": lambda tower, text: _log(tower, type=text),
    "alias": lambda tower, text: tower.add_alias(REFERENCE, "first", text),
    "alias while logging": lambda tower, text: _log(tower, aliases=["a", text]),
    "tag": lambda tower, text: tower.add_tag(REFERENCE, "first", text),
    "metadata value": lambda tower, text: _log(tower, metadata={"x": [text]}),
    "metadata key": lambda tower, text: _log(tower, metadata={text: {text: 1}}),
    "file elsewhere": lambda tower, text: _log(tower, references=[f"s3://bucket/{text}"]),
    "looked up": lambda tower, text: tower.version(f"models/resnet:{text}"),
    "automation": lambda tower, text: _automate(tower, name=text),
    "automation's description": lambda tower, text: _automate(tower, description=text),
    "filter": lambda tower, text: _automate(tower, filter=Filter.of({"alias": {"$eq": text}})),
    "filter on metadata": lambda tower, text: _automate(
        tower, filter=Filter.of({f"metadata.{text}": {"$in": [text]}})
    ),
    "regex": lambda tower, text: _automate(tower, filter=Filter.of({"alias": {"$regex": text}})),
    "payload": lambda tower, text: _automate(
        tower, action=WebhookAction(endpoint="ci", payload=text)
    ),
    "title": lambda tower, text: _automate(
        tower, action=SlackAction(endpoint="ci", title=text, message=text)
    ),
    "webhook": lambda tower, text: webhook(tower, text, "http://ci.test/"),
    "URL": lambda tower, text: webhook(tower, "new", f"http://ci.test/{text}"),
    "secret": lambda tower, text: tower.secrets.set("NEW", text),
}


def _rows(store: Store) -> dict[str, int]:
    every = (
        *(schema.events, schema.automations, schema.revisions, schema.endpoints),
        *(schema.versions, schema.collections, schema.containers, schema.aliases),
    )
    with store.reading() as reader:
        return {
            table.name: reader.connection.execute(
                select(func.count()).select_from(table)
            ).scalar_one()
            for table in every
        }


@pytest.mark.parametrize("place", PLACES)
def test_a_change_is_whole_or_refused(store: Store, place: str) -> None:
    tower = Tower(store)
    webhook(tower, "ci", "http://ci.test/")
    linked_model(tower)
    for what, text in {**TEXTS, "surrogate": SURROGATE}.items():
        before = _rows(store)
        refusal = _refusal(lambda: PLACES[place](tower, text))  # noqa: B023 - called at once
        if refusal is None:
            _forget(tower)
            continue
        assert _rows(store) == before, (what, "half a change", refusal)
        if not isinstance(refusal, FiretowerError):
            assert what == "surrogate", refusal  # of which Python itself says the same
            continue
        assert len(refusal.message.splitlines()) == 1, (what, refusal)
        assert len(refusal.message) < MOST_SAID, what
        assert "\x1b" not in refusal.message
    assert tower.version(REFERENCE).version.reference == REFERENCE


def _refusal(act: Callable[[], object]) -> Exception | None:
    try:
        act()
    except (FiretowerError, ValueError) as error:
        return error
    return None


def _forget(tower: Tower) -> None:
    """Make room for the next text in a place whose names are unique."""
    for automation in tower.automations.list():
        tower.automations.delete(automation.name)
