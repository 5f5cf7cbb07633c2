"""Actions: what an automation does when it fires."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Discriminator, field_validator, model_validator

from firetower.core.events import EventType
from firetower.core.references import Frozen, Name
from firetower.core.templates import PayloadTemplate, TextTemplate, check_variable


class ActionType(StrEnum):
    """W&B's names of the actions."""

    GENERIC_WEBHOOK = "GENERIC_WEBHOOK"
    NOTIFICATION = "NOTIFICATION"
    NO_OP = "NO_OP"


class Severity(StrEnum):
    """The severity of a Slack message."""

    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"


class WebhookAction(Frozen):
    """POST a payload to a webhook; without a template, Standard Webhooks' envelope."""

    type: Literal[ActionType.GENERIC_WEBHOOK] = ActionType.GENERIC_WEBHOOK
    endpoint: Name
    payload: str | None = None

    @model_validator(mode="after")
    def _payload_is_json(self) -> Self:
        if self.payload is not None:
            PayloadTemplate.parse(self.payload)
        return self

    @property
    def phrase(self) -> str:
        """As a sentence says it: "POST to ci-deploy"."""
        return f"POST to {self.endpoint}"

    def check(self, type_: EventType, granted: frozenset[str]) -> None:
        """Refuse variables that do not exist or that the event never has. Raises InvalidInput."""
        if self.payload is not None:
            for name in PayloadTemplate.parse(self.payload).names:
                check_variable(name, type_, granted)


class SlackAction(Frozen):
    """Post a message to Slack; without a template, a readable default."""

    type: Literal[ActionType.NOTIFICATION] = ActionType.NOTIFICATION
    endpoint: Name
    title: str | None = None
    message: str | None = None
    severity: Severity = Severity.INFO

    @field_validator("title", "message")
    @classmethod
    def _empty_is_none(cls, template: str | None) -> str | None:
        return template or None

    @model_validator(mode="after")
    def _templates_can_be_read(self) -> Self:
        for template in filter(None, (self.title, self.message)):
            TextTemplate.parse(template)
        return self

    @property
    def phrase(self) -> str:
        """As a sentence says it: "post to Slack by team-ml"."""
        return f"post to Slack by {self.endpoint}"

    def check(self, type_: EventType, granted: frozenset[str]) -> None:  # noqa: ARG002
        """Refuse variables that do not exist or that the event never has. Raises InvalidInput.

        Secrets have no place in a message that a channel reads, so none is granted.
        """
        for template in filter(None, (self.title, self.message)):
            for name in TextTemplate.parse(template).names:
                check_variable(name, type_, frozenset())


class NoAction(Frozen):
    """Record the firing, and do nothing else."""

    type: Literal[ActionType.NO_OP] = ActionType.NO_OP
    endpoint: None = None

    @property
    def phrase(self) -> str:
        """As a sentence says it."""
        return "record it"

    def check(self, type_: EventType, granted: frozenset[str]) -> None:
        """Accept every event: there is nothing to render."""


Action = Annotated[WebhookAction | SlackAction | NoAction, Discriminator("type")]
