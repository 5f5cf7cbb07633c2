"""Drafts to begin from: common automations, and one for what is under the cursor."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from firetower.core.actions import ActionType, Severity
from firetower.core.automations import Mode
from firetower.core.drafts import Draft
from firetower.core.events import EventType, why_not_allowed
from firetower.core.json import dump
from firetower.core.metrics import Aggregate, Comparison, Direction
from firetower.core.references import CollectionReference, ContainerKind, ContainerReference

_GLOB = re.compile(r"[*?\[]")
_REFERENCE = '"ref": "${artifact_version_string}"'


@dataclass(frozen=True, slots=True)
class Sample:
    """A common automation; the container is filled in, the endpoint is chosen in the form."""

    name: str
    about: str
    event_type: EventType | None
    """None: a version arrives there, logged into a project or linked into a registry."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """The other fields of its draft."""

    def draft(self, container: ContainerReference) -> Draft:
        """Return the draft that watches a container."""
        draft = replace(Draft.new(container), event_type=self.event_type or _arrival(container))
        return replace(draft, **self.fields)


def _arrival(container: ContainerReference) -> EventType:
    in_registry = container.kind is ContainerKind.REGISTRY
    return EventType.LINK_ARTIFACT if in_registry else EventType.CREATE_ARTIFACT


_SLACK = {"action": ActionType.NOTIFICATION}
SAMPLES: Sequence[Sample] = (
    Sample(
        "Deploy what becomes production",
        "POST the version whenever the alias production is set",
        EventType.ADD_ARTIFACT_ALIAS,
        {
            "alias": "^production$",
            "payload": f'{{{_REFERENCE},\n "by": "${{event_author}}"}}',
            "description": "Deploys the version that production names.",
        },
    ),
    Sample(
        "Page when production is removed",
        "open an incident when no version is production any more",
        EventType.REMOVE_ARTIFACT_ALIAS,
        {
            "alias": "^production$",
            "payload": '{"event_action": "trigger",\n "payload": {"severity": "critical",\n'
            '  "source": "${artifact_collection_name}",\n'
            '  "summary": "production was removed from ${artifact_version_string}"}}',
            "cooldown": "10m",
        },
    ),
    Sample(
        "Tell Slack of a new dataset",
        "a message for each dataset that arrives",
        None,
        {
            **_SLACK,
            "filter": dump({"artifact_type": "dataset"}),
            "title": "New dataset: ${artifact_collection_name}",
            "message": "${artifact_version_string}, by ${event_author}",
        },
    ),
    Sample(
        "Validate what arrives",
        "POST each version that is linked or logged there to a validator",
        None,
        {"payload": f'{{{_REFERENCE},\n "event": "${{event_type}}"}}'},
    ),
    Sample(
        "Evaluate candidates",
        "POST each version that gets an alias like candidate, not more than one in 10 minutes",
        EventType.ADD_ARTIFACT_ALIAS,
        {"alias": "^candidate", "payload": f"{{{_REFERENCE}}}", "cooldown": "10m"},
    ),
    Sample(
        "Retrain on approved data",
        "POST when a dataset's version is tagged approved",
        EventType.ADD_ARTIFACT_TAG,
        {
            "tag": "^approved$",
            "filter": dump({"artifact_type": "dataset"}),
            "payload": f'{{{_REFERENCE}, "tag": "${{tag}}"}}',
        },
    ),
    Sample(
        "Warn Slack of a weak model",
        "a warning when a version arrives whose metric f1 is below 0.8",
        None,
        {
            **_SLACK,
            "filter": dump({"metadata.f1": {"$lt": 0.8}}),
            "severity": Severity.WARN,
            "title": "${artifact_version_string}: f1 ${artifact_metadata.f1}",
        },
    ),
    Sample(
        "Try a gate in shadow",
        "record, without sending, what has f1 of at least 0.9",
        None,
        {"filter": dump({"metadata.f1": {"$gte": 0.9}}), "mode": Mode.SHADOW},
    ),
    Sample(
        "Keep a record of alias moves",
        "record each alias that is set; nothing is sent",
        EventType.ADD_ARTIFACT_ALIAS,
        {"action": ActionType.NO_OP},
    ),
    Sample(
        "Tell Slack when a run dies",
        "an error for each run that fails, or sends no heartbeat any more",
        EventType.RUN_STATE,
        {**_SLACK, "state": "failed", "severity": Severity.ERROR},
    ),
    Sample(
        "Warn Slack when the loss diverges",
        "a warning when the average of 10 values is 20 % above that of the 10 before",
        EventType.RUN_METRIC_CHANGE,
        {
            **_SLACK,
            "metric": "loss",
            "aggregate": Aggregate.AVERAGE,
            "window": "10",
            "direction": Direction.INCREASE,
            "amount": "20%",
            "severity": Severity.WARN,
        },
    ),
    Sample(
        "Tell Slack of an idle GPU",
        "a message when the first GPU of `run exec --system` is idle for 10 minutes",
        EventType.RUN_METRIC,
        {
            **_SLACK,
            "metric": "system.gpu.0.utilization",
            "aggregate": Aggregate.MAX,
            "window": "40",  # one value in 15 seconds
            "comparison": Comparison.LT,
            "amount": "5",
        },
    ),
)


def samples_for(container: ContainerReference) -> list[Sample]:
    """Return the samples whose events can happen in a container."""
    kind = container.kind
    return [
        one
        for one in SAMPLES
        if one.event_type is None or why_not_allowed(one.event_type, kind) is None
    ]


def draft_for(collection: CollectionReference, aliases: Sequence[str] = ()) -> Draft:
    """Return a draft that watches one collection: for these aliases, or for new versions."""
    draft = replace(Draft.new(collection.container), whole=False)
    if collection.container.kind is ContainerKind.REGISTRY:
        draft = replace(draft, collection=collection.name)
    elif _GLOB.search(collection.name):
        draft = replace(draft, pattern=f"/^{re.escape(collection.name)}$/")
    else:
        draft = replace(draft, pattern=collection.name)
    named = [re.escape(alias) for alias in aliases if alias != "latest"]
    if not named:
        return replace(draft, event_type=_arrival(collection.container))
    return replace(draft, alias=f"^({'|'.join(named)})$" if len(named) > 1 else f"^{named[0]}$")


def run_draft(container: ContainerReference, metric: str = "") -> Draft:
    """Return a draft that watches a metric of the runs in a container, or for those that fail."""
    draft = Draft.new(container)
    if metric:
        return replace(draft, event_type=EventType.RUN_METRIC, metric=metric)
    return replace(draft, event_type=EventType.RUN_STATE, state="failed")


def duplicate(draft: Draft) -> Draft:
    """Return a draft of the same automation under another name."""
    return replace(draft, name=f"{draft.name}-copy")
