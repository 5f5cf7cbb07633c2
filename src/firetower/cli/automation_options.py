"""The options that say what an automation does, and the draft that they make."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click

from firetower.cli.options import choice_option, option_group
from firetower.core.actions import ActionType, Severity
from firetower.core.automations import Automation
from firetower.core.commands import CHANGES, COMPARISONS
from firetower.core.drafts import Draft
from firetower.core.events import EVENTS, EventType
from firetower.core.metadata import text_or_file
from firetower.core.metrics import Aggregate, Direction
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


_VERBS = ("rises", "falls", "changes")

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
        help="Fire when a run reaches this state: running, finished or failed.",
    ),
    click.option("--metric", metavar="NAME", help="Watch this metric of runs, such as loss."),
    click.option(
        "--aggregate",
        type=click.Choice([one.lower() for one in Aggregate], case_sensitive=False),
        callback=lambda _ctx, _option, value: value and Aggregate(value.upper()),
        help="Compare this aggregate of the newest values instead of the newest one.",
    ),
    click.option("--window", metavar="N", help="Take this many of the newest values."),
    *(
        click.option(f"--{option}", metavar="X", help=f"RUN_METRIC: fire when it is {sign.word} X.")
        for sign, option in COMPARISONS.items()
    ),
    *(
        click.option(
            f"--{option}", metavar="D", help=f"RUN_METRIC_CHANGE: fire when it {verb} by D."
        )
        for (_, option), verb in zip(CHANGES.items(), _VERBS, strict=True)
    ),
    click.option(
        "--prior-window",
        metavar="M",
        help="RUN_METRIC_CHANGE: compare with this many values before; N unless given.",
    ),
    click.option(
        "--zscore",
        metavar="X",
        help="RUN_METRIC_ZSCORE: fire X standard deviations from the mean; 3 unless given.",
    ),
    click.option(
        "--direction",
        type=click.Choice([one.lower() for one in Direction], case_sensitive=False),
        callback=lambda _ctx, _option, value: value and Direction(value.upper()),
        help="RUN_METRIC_ZSCORE: the way it moves; any unless given.",
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
    choice_option("--severity", Severity, help="Severity of the Slack message; INFO by default."),
    click.option("--no-op", is_flag=True, help="Record only."),
    click.option("--description", metavar="D", help="Note for people."),
    click.option(
        "--cooldown",
        metavar="10m",
        help="Skip further executions for this long; of a metric those of the same run, 24h unless "
        "given.",
    ),
)
_ACTIONS = {
    "webhook": ActionType.GENERIC_WEBHOOK,
    "slack": ActionType.NOTIFICATION,
    "no_op": ActionType.NO_OP,
}
_COLLECTIONS = ("collection", "pattern", "artifact_type")
_FILTER = ("alias", "tag", "run_name", "filter")
_AMOUNTS: dict[str, tuple[EventType, Fields]] = {
    **{
        option.replace("-", "_"): (EventType.RUN_METRIC, {"comparison": comparison})
        for comparison, option in COMPARISONS.items()
    },
    **{
        option: (EventType.RUN_METRIC_CHANGE, {"direction": direction})
        for direction, option in CHANGES.items()
    },
    "zscore": (EventType.RUN_METRIC_ZSCORE, {}),
}
"""The options that take what a metric is compared with: their event, and what else they say."""


def _check_metric(type_: EventType, given: Fields) -> None:
    """Refuse options of a metric that the event does not read. Raises UsageError."""
    is_change, is_zscore = (
        type_ is one for one in (EventType.RUN_METRIC_CHANGE, EventType.RUN_METRIC_ZSCORE)
    )
    if not given.keys().isdisjoint(("metric", "window")) and "metric" not in type_.spec.carries:
        raise click.UsageError("--metric and --window belong to --event RUN_METRIC….")
    if "aggregate" in given and type_ not in {EventType.RUN_METRIC, EventType.RUN_METRIC_CHANGE}:
        raise click.UsageError("--aggregate belongs to --event RUN_METRIC or RUN_METRIC_CHANGE.")
    if "prior_window" in given and not is_change:
        raise click.UsageError("--prior-window belongs to --event RUN_METRIC_CHANGE.")
    if "direction" in given and not (is_zscore or is_change):
        raise click.UsageError("--direction belongs to --event RUN_METRIC_ZSCORE.")


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
    """Return the draft of an automation, changed where an option was given. Raises UsageError.

    Another event does not wait for the state or amount of the old one.
    """
    draft, given = Draft.of(before), _given(options)
    event_type = given.get("event_type", draft.event_type)
    if event_type is not draft.event_type:
        metric = draft.metric if "metric" in event_type.spec.carries else ""
        draft = replace(draft, state="", amount="", metric=metric)
    return _with(draft, given)


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
    given |= _amount(given)
    for together in (_COLLECTIONS, _FILTER):  # one given replaces all
        if not given.keys().isdisjoint(together):
            given = dict.fromkeys(together, "") | given
    if "collection" in given:
        given["whole"] = False
    return given


def _amount(given: Fields) -> Fields:
    """Take what a metric is compared with out of the options."""
    amounts = [(name, given.pop(name)) for name in _AMOUNTS if name in given]
    if len(amounts) > 1:
        options = " and ".join(f"--{name.replace('_', '-')}" for name, _ in amounts)
        raise click.UsageError(f"Give one of {options}.")
    for name, text in amounts:
        type_, more = _AMOUNTS[name]
        return {**more, "amount": text, "amount_of": (name, type_)}
    return {}


def _with(draft: Draft, given: Fields) -> Draft:
    """Return the draft with these fields, which must go together."""
    option, amount_of = given.pop("amount_of", ("", None))
    changed = replace(draft, **given)
    if amount_of not in {None, changed.event_type}:
        raise click.UsageError(f"--{option.replace('_', '-')} belongs to --event {amount_of}.")
    _check_metric(changed.event_type, given)
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
