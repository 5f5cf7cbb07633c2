"""The draft that the options of `automation create` and `edit` make."""

from typing import Any

import click
import pytest

from core.builders import MODELS, NOON, VISION, make_definition, make_revision
from firetower.cli.automation_options import automation_options, edited_draft, new_draft
from firetower.core.actions import ActionType, WebhookAction
from firetower.core.automations import Automation, Definition
from firetower.core.drafts import Draft
from firetower.core.events import EventType
from firetower.core.metrics import Comparison, Condition, ThresholdCondition
from firetower.core.runs import StateCondition
from firetower.core.scopes import ContainerScope

PROJECT = ContainerScope(container=VISION)
ABOVE = ThresholdCondition(metric="loss", comparison=Comparison.GT, threshold=3)


@click.command()
@automation_options
def read(**options: Any) -> dict[str, Any]:
    return options


def options(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = read.main(list(arguments), standalone_mode=False)
    return found


def automation(definition: Definition) -> Automation:
    revision = make_revision(definition)
    return Automation(id=1, name=definition.name, revision=revision, created_at=NOON)


def edited(*arguments: str, **changed: Any) -> tuple[Draft, Draft]:
    """Return the drafts of an automation before and after an edit."""
    before = automation(make_definition(**changed))
    return Draft.of(before), edited_draft(before, options(*arguments))


def test_new_draft_has_what_the_options_say() -> None:
    given = ("--event", "CREATE_ARTIFACT", "--project", "acme/vision", "--collections", "res*")
    draft = new_draft("n", options(*given, "--slack", "team", "--severity", "warn"))
    assert (draft.name, draft.container, draft.event_type) == (
        "n",
        VISION,
        EventType.CREATE_ARTIFACT,
    )
    assert (draft.whole, draft.pattern, draft.artifact_type) == (False, "res*", "")
    assert (draft.action, draft.endpoint, draft.severity) == (
        ActionType.NOTIFICATION,
        "team",
        "WARN",
    )


def test_edit_without_options_changes_nothing() -> None:
    before, after = edited()
    assert after == before


@pytest.mark.parametrize(
    ("condition", "event", "kept"),
    [
        (StateCondition.parse("failed"), "CREATE_ARTIFACT", ""),
        (StateCondition.parse("failed"), "RUN_ALERT", ""),
        (ABOVE, "RUN_STATE", ""),
        (ABOVE, "RUN_METRIC_ZSCORE", "loss"),
    ],
)
def test_edit_of_the_event_drops_what_the_old_one_waited_for(
    condition: Condition, event: str, kept: str
) -> None:
    is_state = isinstance(condition, StateCondition)
    type_ = EventType.RUN_STATE if is_state else EventType.RUN_METRIC
    before, after = edited("--event", event, scope=PROJECT, event_type=type_, condition=condition)
    assert (after.event_type, after.state, after.metric, after.amount) == (event, "", kept, "")
    assert before.state or before.amount


def test_edit_of_the_webhook_keeps_the_payload() -> None:
    action = WebhookAction(endpoint="ci", payload='{"alias": "${alias}"}')
    _, after = edited("--webhook", "other", action=action)
    assert (after.endpoint, after.payload) == ("other", '{"alias": "${alias}"}')


def test_edit_of_a_filter_option_replaces_the_whole_filter() -> None:
    before, after = edited("--filter", '{"author": "ada"}', filter_={"alias": {"$regex": "^prod"}})
    assert before.filter
    assert (after.alias, after.tag, after.filter) == ("", "", '{"author": "ada"}')


def test_edit_of_a_collection_keeps_the_registry() -> None:
    _, after = edited("--collection", "resnet")
    assert (after.container, after.whole, after.collection) == (MODELS, False, "resnet")


def test_edit_of_the_registry_watches_all_of_it() -> None:
    _, one = edited("--collection", "resnet")
    assert not one.whole
    _, whole = edited("--registry", "models")
    assert whole.whole


@pytest.mark.parametrize(
    "given",
    [
        (),
        ("--registry", "models"),
        ("--registry", "models", "--event", "LINK_ARTIFACT"),
        ("--registry", "models", "--project", "acme/vision"),
        ("--registry", "models", "--event", "LINK_ARTIFACT", "--no-op", "--webhook", "ci"),
        ("--registry", "models", "--event", "LINK_ARTIFACT", "--no-op", "--payload", "{}"),
        ("--registry", "models", "--event", "LINK_ARTIFACT", "--webhook", "ci", "--title", "t"),
        ("--registry", "models", "--event", "LINK_ARTIFACT", "--no-op", "--type", "model"),
        ("--project", "acme/vision", "--event", "CREATE_ARTIFACT", "--no-op", "--collection", "r"),
    ],
    ids=" ".join,
)
def test_options_that_do_not_go_together_are_wrong_usage(given: tuple[str, ...]) -> None:
    with pytest.raises(click.UsageError):
        new_draft("n", options(*given))
