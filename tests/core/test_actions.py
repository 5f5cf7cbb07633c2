import pytest
from pydantic import TypeAdapter

from core.builders import make_webhook, refusal
from firetower.core.actions import Action, NoAction, Severity, SlackAction, WebhookAction
from firetower.core.events import EventType

ADAPTER: TypeAdapter[Action] = TypeAdapter(Action)
LINK = EventType.LINK_ARTIFACT
NONE: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("action", "type_", "phrase"),
    [
        (make_webhook('{"ref": "${alias}"}'), "GENERIC_WEBHOOK", "POST to ci-deploy"),
        (
            SlackAction(endpoint="team-ml", title="${alias}", severity=Severity.WARN),
            "NOTIFICATION",
            "post to Slack by team-ml",
        ),
        (NoAction(), "NO_OP", "record it"),
    ],
    ids=["webhook", "slack", "nothing"],
)
def test_an_action_is_stored_by_wandbs_name(action: Action, type_: str, phrase: str) -> None:
    assert ADAPTER.validate_json(ADAPTER.dump_json(action)) == action
    assert action.type == type_
    assert action.phrase == phrase


@pytest.mark.parametrize("payload", ["", "not json", '{"a": NaN}', "{${alias}: 1}", '{"a": "${"}'])
def test_a_payload_that_is_not_json_makes_no_action(payload: str) -> None:
    assert refusal(lambda: make_webhook(payload))


def test_a_message_that_cannot_be_read_makes_no_action() -> None:
    assert "cannot be read" in refusal(lambda: SlackAction(endpoint="a", title="${"))
    assert "cannot be read" in refusal(lambda: SlackAction(endpoint="a", message="${a b}"))


@pytest.mark.parametrize(
    "action",
    [
        make_webhook('{"a": "${alias}"}'),
        make_webhook('{"a": ${alias}}'),
        SlackAction(endpoint="a", title="${alias}"),
        SlackAction(endpoint="a", message="${alias}"),
    ],
    ids=["in a string", "bare", "title", "message"],
)
def test_a_variable_is_checked_wherever_it_stands(action: WebhookAction | SlackAction) -> None:
    action.check(EventType.ADD_ARTIFACT_ALIAS, NONE)
    assert "never have the variable" in refusal(lambda: action.check(LINK, NONE))


def test_a_payload_may_use_the_secrets_of_its_webhook_only() -> None:
    action = make_webhook('{"token": "${GITHUB_TOKEN}"}')
    action.check(LINK, frozenset({"GITHUB_TOKEN"}))
    assert "there is no variable" in refusal(lambda: action.check(LINK, NONE))


def test_a_message_may_use_no_secret() -> None:
    action = SlackAction(endpoint="a", message="${GITHUB_TOKEN}")
    assert "there is no variable" in refusal(
        lambda: action.check(LINK, frozenset({"GITHUB_TOKEN"}))
    )


def test_an_action_without_a_template_fits_every_event() -> None:
    for type_ in EventType:
        for action in (make_webhook(), SlackAction(endpoint="a"), NoAction()):
            action.check(type_, NONE)
