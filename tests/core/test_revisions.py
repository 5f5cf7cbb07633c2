"""What a revision changed, in words."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.builders import MODELS, make_definition, make_revision, make_webhook
from firetower.core.actions import SlackAction
from firetower.core.automations import Mode, revision_changes, with_changes
from firetower.core.events import EventType
from firetower.core.filters import Filter
from firetower.core.references import CollectionReference
from firetower.core.scopes import CollectionScope, ContainerScope

FIRST = make_revision(
    make_definition(
        name="deploy",
        scope=ContainerScope(container=MODELS),
        event_type=EventType.ADD_ARTIFACT_ALIAS,
        action=make_webhook(),
    )
)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "ship", "name: deploy → ship"),
        ("description", 'say "hi"', r'description: none → "say \"hi\""'),
        ("cooldown", timedelta(minutes=10), "cooldown: none → 10m"),
        ("filter", Filter.of({"alias": "a"}), "filter: any → alias = a"),
        (
            "event_type",
            EventType.LINK_ARTIFACT,
            "event: ADD_ARTIFACT_ALIAS → LINK_ARTIFACT",
        ),
        (
            "scope",
            CollectionScope(collection=CollectionReference.parse("models/bert")),
            "scope: registry models → collection models/bert",
        ),
        ("action", make_webhook('{"a": 1}'), r'payload: none → "{\"a\": 1}"'),
    ],
)
def test_each_change_is_said(field: str, value: Any, said: str) -> None:
    after = FIRST.definition.model_copy(update={field: value})
    assert revision_changes(FIRST, replace(FIRST, written=after)) == [said]


def test_another_action_is_said_with_its_texts() -> None:
    action = SlackAction(endpoint="team", title="hello")
    after = FIRST.definition.model_copy(update={"action": action})
    changes = revision_changes(FIRST, replace(FIRST, written=after))
    assert changes[0].endswith("→ post to Slack by team")
    assert 'title: none → "hello"' in changes


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        (Mode.DISABLED, "disabled (was enabled)"),
        (Mode.SHADOW, "put in shadow (was enabled)"),
        (Mode.DELETED, "deleted (was enabled)"),
    ],
)
def test_a_change_of_mode_is_said(mode: Mode, said: str) -> None:
    assert revision_changes(FIRST, replace(FIRST, mode=mode)) == [said]


def test_a_history_tells_each_step_and_its_beginning() -> None:
    off = replace(FIRST, number=2, mode=Mode.DISABLED)
    again = replace(off, number=3)
    history = with_changes([again, off, FIRST])
    assert [changes for _, changes in history] == [
        ["saved without a change"],
        ["disabled (was enabled)"],
        ["created"],
    ]
