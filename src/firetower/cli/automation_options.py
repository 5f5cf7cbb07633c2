"""The options that say what an automation does, and the draft that they make."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click

from firetower.cli.options import option_group
from firetower.core.actions import ActionType, Severity
from firetower.core.automations import Automation
from firetower.core.drafts import Draft
from firetower.core.events import EVENTS, EventType
from firetower.core.metadata import text_or_file
from firetower.core.references import ContainerKind, ContainerReference

Fields = dict[str, Any]
"""Fields of a draft by name."""


def _event_help() -> str:
    """Return which event fires in which scope, from the one table of events."""
    groups: dict[str, list[str]] = {}
    for type_, spec in EVENTS.items():
        where = " or ".join(kind for kind in ContainerKind if kind in spec.containers)
        groups.setdefault(where, []).append(f"{type_} ({spec.label})")
    said = [f"In a {where}: {', '.join(types)}." for where, types in groups.items()]
    return " ".join([*said, "In an entity or the organization: each of them."])


def _text(what: str) -> Callable[[str], str]:
    """Return an option's type: a text, or the file that `@FILE` names."""
    return lambda value: text_or_file(value, what)


# Each option is named as the draft's field that it fills, where there is one.
automation_options = option_group(
    click.option(
        "--registry", type=ContainerReference.registry, metavar="R", help="Watch a registry."
    ),
    click.option("--collection", metavar="C", help="Watch only this collection of the registry."),
    click.option(
        "--project",
        type=ContainerReference.project,
        metavar="ENTITY/PROJECT",
        help="Watch a project.",
    ),
    click.option(
        "--collections",
        "pattern",
        metavar="GLOB|/REGEX/",
        help="Watch only the project's collections that match, later ones too.",
    ),
    click.option(
        "--type",
        "artifact_type",
        metavar="TYPE",
        help="Watch only the project's collections of this type.",
    ),
    click.option(
        "--entity",
        type=ContainerReference.entity_named,
        metavar="ENTITY",
        help="Watch every project of an entity, later ones too.",
    ),
    click.option(
        "--organization", is_flag=True, help="Watch every registry and project, later ones too."
    ),
    click.option("--event", "event_type", type=EventType.parse, metavar="TYPE", help=_event_help()),
    click.option("--alias-regex", "alias", metavar="RE2", help="Match the alias (unanchored)."),
    click.option("--tag-regex", "tag", metavar="RE2", help="Match the tag (unanchored)."),
    click.option(
        "--state",
        metavar="STATE[,STATE]...",
        help="Fire when a run comes into this state: running, finished or failed.",
    ),
    click.option("--run-name", metavar="RE2", help="Match the name of the run (unanchored)."),
    click.option(
        "--filter", type=_text("the filter"), metavar="JSON|@FILE", help="Filter in W&B's JSON."
    ),
    click.option("--webhook", metavar="NAME", help="POST to this webhook."),
    click.option(
        "--payload",
        type=_text("the payload"),
        metavar="JSON|@FILE",
        help="Body to POST, with ${variables}; write $${ for a plain ${.",
    ),
    click.option("--slack", metavar="NAME", help="Post to this Slack channel."),
    click.option(
        "--title",
        metavar="T",
        help="Title of the Slack message, with ${variables}; write $${ for a plain ${.",
    ),
    click.option("--message", metavar="M", help="Text of the Slack message, with ${variables}."),
    click.option(
        "--severity",
        type=click.Choice([severity.value for severity in Severity], case_sensitive=False),
        callback=lambda _ctx, _option, value: value and Severity(value),
        help="Severity of the Slack message; INFO by default.",
    ),
    click.option("--no-op", is_flag=True, help="Record only."),
    click.option("--description", metavar="D", help="Note for people."),
    click.option("--cooldown", metavar="10m", help="Skip further executions for this long."),
)
_ACTIONS = {
    "webhook": ActionType.GENERIC_WEBHOOK,
    "slack": ActionType.NOTIFICATION,
    "no_op": ActionType.NO_OP,
}
_COLLECTIONS = ("collection", "pattern", "artifact_type")
_FILTER = ("alias", "tag", "run_name", "filter")


def new_draft(name: str, options: Fields) -> Draft:
    """Return the draft of a new automation. Raises UsageError."""
    given = _given(options)
    if "container" not in given:
        raise click.UsageError(
            "Say where to watch: --registry, --project, --entity or --organization."
        )
    if "event_type" not in given:
        raise click.UsageError("Missing option '--event'.")
    if "action" not in given:
        raise click.UsageError("Give one of --webhook, --slack and --no-op.")
    return _with(Draft.new(given["container"]), {"name": name, **given})


def edited_draft(before: Automation, options: Fields) -> Draft:
    """Return the draft of an automation, changed where an option was given. Raises UsageError."""
    return _with(Draft.of(before), _given(options))


def _given(options: Fields) -> Fields:
    """Return the fields that the options fill."""
    given = {name: value for name, value in options.items() if value not in {None, False}}
    if given.pop("organization", False):
        given["organization"] = ContainerReference.organization()
    containers = [given.pop(kind.value) for kind in ContainerKind if kind.value in given]
    if len(containers) > 1:
        raise click.UsageError("Give one of --registry, --project, --entity and --organization.")
    for container in containers:
        given |= {"container": container, "whole": True}
    actions = [(_ACTIONS[name], given.pop(name)) for name in _ACTIONS if name in given]
    if len(actions) > 1:
        raise click.UsageError("Give one of --webhook, --slack and --no-op.")
    for type_, endpoint in actions:
        given |= {"action": type_, "endpoint": "" if endpoint is True else endpoint}
    for together in (_COLLECTIONS, _FILTER):  # one given replaces all
        if not given.keys().isdisjoint(together):
            given = dict.fromkeys(together, "") | given
    if "collection" in given:
        given["whole"] = False
    return given


def _with(draft: Draft, given: Fields) -> Draft:
    """Return the draft with these fields, which must go together."""
    changed = replace(draft, **given)
    kind = changed.container.kind
    if kind is not ContainerKind.PROJECT and (given.get("pattern") or given.get("artifact_type")):
        raise click.UsageError("--collections and --type belong to --project.")
    if kind is not ContainerKind.REGISTRY and given.get("collection"):
        raise click.UsageError(
            "--collection belongs to --registry; for a project give --collections."
        )
    if "payload" in given and changed.action is not ActionType.GENERIC_WEBHOOK:
        raise click.UsageError("--payload belongs to --webhook.")
    if changed.action is not ActionType.NOTIFICATION and not given.keys().isdisjoint(
        ("title", "message", "severity")
    ):
        raise click.UsageError("--title, --message and --severity belong to --slack.")
    return changed
