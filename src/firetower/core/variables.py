"""The `${variables}` of payloads and messages: W&B's names, and which event has which."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from firetower.core.errors import InvalidInput
from firetower.core.events import Event, EventType, EventVersion
from firetower.core.filters.fields import MISSING, Value, dig
from firetower.core.text import nearest, quoted, shortened

METADATA_PREFIX = "artifact_metadata."
ACCESS_TOKEN = "ACCESS_TOKEN"  # noqa: S105 - the variable's name
MASK = "••••"


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of the table."""

    name: str
    meaning: str
    sample: str
    needs: str | None
    """The field an event must carry to have it; None: every event has it."""
    read: Callable[[Event, str], Value]
    """Reads it from an event and the automation's name."""

    def present_for(self, type_: EventType) -> bool:
        """Return whether events of a type have it."""
        return self.needs is None or self.needs in type_.spec.carries


def _version(read: Callable[[Event, EventVersion], Value]) -> Callable[[Event, str], Value]:
    return lambda event, _: MISSING if event.version is None else read(event, event.version)


def _text(value: str | None) -> Value:
    return MISSING if value is None else value


VARIABLES: Mapping[str, Variable] = {
    variable.name: variable
    for variable in (
        Variable(
            "event_type", "what happened", "LINK_ARTIFACT", None, lambda event, _: str(event.type)
        ),
        Variable("event_author", "who did it", "ada", None, lambda event, _: event.author),
        Variable(
            "entity_name",
            "the project's entity; empty for a registry",
            "acme",
            None,
            lambda event, _: event.container.entity,
        ),
        Variable(
            "project_name",
            "the project's or the registry's name",
            "vision",
            None,
            lambda event, _: event.container.name,
        ),
        Variable(
            "automation_name",
            "the automation that fired",
            "deploy-on-prod",
            None,
            lambda _, automation: automation,
        ),
        Variable(
            "artifact_collection_name",
            "the collection",
            "resnet",
            None,
            lambda event, _: event.collection.name,
        ),
        Variable(
            "artifact_version",
            "an opaque id, the same for a version and its links",
            "firetower-artifact://_id/4f1c…",
            "version",
            _version(lambda _, version: version.artifact_id),
        ),
        Variable(
            "artifact_version_string",
            "the full reference; for an alias event with the alias",
            "acme/vision/resnet:v3",
            "version",
            _version(lambda event, _: event.reference),
        ),
        Variable(
            "artifact_version_index",
            "the version's index in the collection",
            "3",
            "version",
            _version(lambda _, version: version.index),
        ),
        Variable("alias", "the alias", "production", "alias", lambda event, _: _text(event.alias)),
        Variable("tag", "the tag", "eu-west", "tag", lambda event, _: _text(event.tag)),
    )
}


def available(type_: EventType, granted: frozenset[str]) -> list[str]:
    """Return the variables that events of a type have, with the granted secrets' names."""
    names = [name for name, variable in VARIABLES.items() if variable.present_for(type_)]
    if "version" in type_.spec.carries:
        names.append(f"{METADATA_PREFIX}KEY")
    return names + sorted(granted)


def check_variable(name: str, type_: EventType, granted: frozenset[str]) -> None:
    """Refuse a variable that does not exist or that events of a type never have.

    `granted` are the secrets' names that the action's integration may use. Raises InvalidInput
    that names the nearest variable there is.
    """
    is_metadata = name.startswith(METADATA_PREFIX) and name != METADATA_PREFIX
    choices = available(type_, granted)
    if name in choices or (is_metadata and "version" in type_.spec.carries):
        return
    shown = quoted(shortened(f"${{{name}}}", 80))
    close = nearest(name, choices)
    listed = f"Variables here: {', '.join(choices)}."
    raise InvalidInput(
        f"{type_} events never have the variable {shown}"
        if name in VARIABLES or is_metadata
        else f"there is no variable {shown}",
        f"Did you mean ${{{close}}}? {listed}" if close else listed,
    )


def read_variable(name: str, event: Event, automation: str) -> Value:
    """Return a variable's value for an event, or `MISSING`."""
    if name.startswith(METADATA_PREFIX):
        if event.version is None:
            return MISSING
        return dig(event.version.metadata, name.removeprefix(METADATA_PREFIX).split("."))
    return VARIABLES[name].read(event, automation) if name in VARIABLES else MISSING
