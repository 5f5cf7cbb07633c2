"""The options that say what an automation does, for making and for changing one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import click

from firetower.core.actions import Action, NoAction, Severity, SlackAction, WebhookAction
from firetower.core.automations import Definition, parse_duration
from firetower.core.errors import InvalidInput
from firetower.core.events import EVENTS, EventType
from firetower.core.filters import Filter
from firetower.core.filters.filter import ANY, alias_and_tag_filter
from firetower.core.references import CollectionReference, ContainerKind, ContainerReference
from firetower.core.scopes import CollectionScope, ContainerScope, Scope, collections_scope
from firetower.tower.metadata import text_or_file

F = TypeVar("F", bound=Callable[..., Any])


def _event_help() -> str:
    """Return which event fires in which scope, from the one table of events."""
    groups: dict[str, list[str]] = {}
    for type_, spec in EVENTS.items():
        where = " or ".join(kind for kind in ContainerKind if kind in spec.containers)
        groups.setdefault(where, []).append(f"{type_} ({spec.label})")
    return " ".join(f"In a {where}: {', '.join(types)}." for where, types in groups.items())


_OPTIONS: Sequence[Callable[[Any], Any]] = (
    click.option("--registry", metavar="R", help="Watch a registry."),
    click.option("--collection", metavar="C", help="Of the registry, this collection only."),
    click.option("--project", metavar="ENTITY/PROJECT", help="Watch a project."),
    click.option(
        "--collections",
        metavar="GLOB|/REGEX/",
        help="Of the project, the collections that match, also later ones.",
    ),
    click.option("--type", "type_", metavar="TYPE", help="Of the project, one type of artifact."),
    click.option("--event", metavar="TYPE", help=_event_help()),
    click.option("--alias-regex", metavar="RE2", help="The alias matches this anywhere."),
    click.option("--tag-regex", metavar="RE2", help="The tag matches this anywhere."),
    click.option("--filter", "filter_", metavar="JSON|@FILE", help="As W&B writes filters."),
    click.option("--webhook", metavar="NAME", help="POST to this webhook."),
    click.option(
        "--payload",
        metavar="JSON|@FILE",
        help="What to POST, with ${variables}; $${ is a plain ${.",
    ),
    click.option("--slack", metavar="NAME", help="Post to this Slack channel."),
    click.option(
        "--title",
        metavar="T",
        help="Of the Slack message, with ${variables}; $${ is a plain ${.",
    ),
    click.option("--message", metavar="M", help="Of the Slack message, with ${variables}."),
    click.option(
        "--severity",
        type=click.Choice([severity.value for severity in Severity], case_sensitive=False),
        help="Of the Slack message; INFO unless given.",
    ),
    click.option("--no-op", is_flag=True, help="Record the firing, and do nothing else."),
    click.option("--description", metavar="D"),
    click.option("--cooldown", metavar="10m", help="Hold back further firings for so long."),
)


def definition_options(function: F) -> F:
    """Add the options of `Choices` to a command."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """What the options say; None is what was left out."""

    registry: str | None
    collection: str | None
    project: str | None
    collections: str | None
    type_: str | None
    event: str | None
    alias_regex: str | None
    tag_regex: str | None
    filter_: str | None
    webhook: str | None
    payload: str | None
    slack: str | None
    title: str | None
    message: str | None
    severity: str | None
    no_op: bool
    description: str | None
    cooldown: str | None

    def new(self, name: str) -> Definition:
        """Return the definition of a new automation. Raises InvalidInput, UsageError."""
        scope = self._scope(None)
        if self.event is None:
            raise click.UsageError("Missing option '--event'.")
        action = self._action(None)
        return Definition(
            name=name,
            description=self.description or "",
            scope=scope,
            event_type=EventType.parse(self.event),
            filter=self._filter(ANY),
            action=action,
            cooldown=self._cooldown(None),
        )

    def edited(self, before: Definition, name: str | None) -> Definition:
        """Return a definition changed where an option was given. Raises as `new` does."""
        return Definition(
            name=before.name if name is None else name,
            description=before.description if self.description is None else self.description,
            scope=self._scope(before.scope),
            event_type=before.event_type if self.event is None else EventType.parse(self.event),
            filter=self._filter(before.filter),
            action=self._action(before.action),
            cooldown=self._cooldown(before.cooldown),
        )

    def _scope(self, before: Scope | None) -> Scope:
        if self.registry is not None and self.project is not None:
            raise click.UsageError("Give either --registry or --project.")
        container = self._container(before)
        if container.kind is ContainerKind.REGISTRY:
            if self.collections is not None or self.type_ is not None:
                raise click.UsageError("--collections and --type belong to --project.")
            if self.collection is not None:
                full = f"{container}/{self.collection}"
                return CollectionScope(collection=CollectionReference.parse(full))
        else:
            if self.collection is not None:
                raise click.UsageError(
                    "--collection belongs to --registry; for a project give --collections."
                )
            if self.collections is not None or self.type_ is not None:
                return collections_scope(container, self.collections, self.type_)
        if before is None or self.registry is not None or self.project is not None:
            return ContainerScope(container=container)
        return before

    def _container(self, before: Scope | None) -> ContainerReference:
        if self.registry is not None:
            return ContainerReference.registry(self.registry)
        if self.project is not None:
            return ContainerReference.project(self.project)
        if before is None:
            raise click.UsageError("Say where to watch: --registry or --project.")
        return before.container

    def _filter(self, before: Filter) -> Filter:
        if self.alias_regex is None and self.tag_regex is None and self.filter_ is None:
            return before
        other = (
            None if self.filter_ is None else Filter.parse(text_or_file(self.filter_, "the filter"))
        )
        return alias_and_tag_filter(self.alias_regex, self.tag_regex, other)

    def _action(self, before: Action | None) -> Action:
        chosen = [self.webhook is not None, self.slack is not None, self.no_op]
        if sum(chosen) > 1 or (before is None and not any(chosen)):
            raise click.UsageError("Give one of --webhook, --slack and --no-op.")
        if self.no_op:
            action: Action = NoAction()
        elif self.webhook is not None:
            action = WebhookAction(endpoint=self.webhook)
        elif self.slack is not None:
            action = SlackAction(endpoint=self.slack)
        else:
            assert before is not None
            action = before
        return self._with_templates(action)

    def _with_templates(self, action: Action) -> Action:
        """Return the action with the templates given; those left out stay as they are."""
        said = {"title": self.title, "message": self.message, "severity": self.severity}
        said = {field: value for field, value in said.items() if value is not None}
        if said and not isinstance(action, SlackAction):
            raise click.UsageError("--title, --message and --severity belong to --slack.")
        if self.payload is not None:
            if not isinstance(action, WebhookAction):
                raise click.UsageError("--payload belongs to --webhook.")
            said["payload"] = text_or_file(self.payload, "the payload")
        changed: Action = type(action).model_validate(action.model_dump() | said)
        return changed

    def _cooldown(self, before: timedelta | None) -> timedelta | None:
        if self.cooldown is None:
            return before
        if self.cooldown.strip().lower() == "none":
            return None
        try:
            return parse_duration(self.cooldown)
        except InvalidInput as error:
            raise InvalidInput(f"the cooldown {error.message}", error.hint) from None
