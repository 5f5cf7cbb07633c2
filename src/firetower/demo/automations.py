"""The automations of the demo, one for each thing that can be watched and done."""

import json
from dataclasses import dataclass
from datetime import timedelta

from firetower.core.actions import Action, NoAction, Severity, SlackAction, WebhookAction
from firetower.core.automations import Definition, Mode
from firetower.core.events import EventType
from firetower.core.filters import ANY, Filter
from firetower.core.references import CollectionReference, ContainerReference
from firetower.core.scopes import CollectionScope, ContainerScope, Scope, collections_scope


@dataclass(frozen=True, slots=True)
class Saved:
    """An automation as somebody saved it."""

    days_ago: int
    author: str
    definition: Definition
    mode: Mode = Mode.ENABLED


_DEPLOY = {
    "event_type": "${event_type}",
    "event_author": "${event_author}",
    "artifact_version": "${artifact_version}",
    "artifact_version_string": "${artifact_version_string}",
    "artifact_collection_name": "${artifact_collection_name}",
    "project_name": "${project_name}",
    "entity_name": "${entity_name}",
    "inputs": {"alias": "${alias}", "run": "${artifact_metadata.run}"},
}
_EVALUATE = {
    "ref": "${artifact_version_string}",
    "suite": "nightly",
    "requested_by": "${event_author}",
    "dataset": "${artifact_metadata.dataset}",
}
_PAGE = {
    "summary": "${artifact_collection_name} lost ${alias}",
    "source": "${artifact_version_string}",
    "who": "${event_author}",
}
_RETRAIN = {"event_type": "retrain", "client_payload": {"data": "${artifact_version_string}"}}
_CANARY = {"ref": "${artifact_version_string}", "share": 0.05, "by": "${automation_name}"}


def _registry(name: str) -> Scope:
    return ContainerScope(container=ContainerReference.registry(name))


def _project(name: str) -> Scope:
    return ContainerScope(container=ContainerReference.project(name))


def _filter(*conditions: object) -> Filter:
    """Wrap conditions that must all hold, as W&B stores them."""
    return Filter.of({"$or": [{"$and": list(conditions)}]}) if conditions else ANY


def _alias(regex: str) -> Filter:
    return _filter({"alias": {"$regex": regex}})


def _webhook(endpoint: str, payload: object = None) -> Action:
    text = None if payload is None else json.dumps(payload, indent=2)
    return WebhookAction(endpoint=endpoint, payload=text)


SAVED = (
    Saved(
        112,
        "ines",
        Definition(
            name="deploy-on-production",
            description="Rolls out what is promoted: the pipeline takes the reference and the run.",
            scope=_registry("models"),
            event_type=EventType.ADD_ARTIFACT_ALIAS,
            filter=_alias("^prod"),
            action=_webhook("ci-deploy", _DEPLOY),
        ),
    ),
    Saved(
        110,
        "ines",
        Definition(
            name="announce-production",
            description="One message for a round of promotions, not one for each.",
            scope=_registry("models"),
            event_type=EventType.ADD_ARTIFACT_ALIAS,
            filter=_alias("^production$"),
            action=SlackAction(
                endpoint="ml-alerts",
                title="${artifact_collection_name} is in production",
                message="${artifact_version_string} by ${event_author}, "
                "f1 ${artifact_metadata.f1}, ${artifact_metadata.latency_ms} ms",
            ),
            cooldown=timedelta(minutes=3),
        ),
    ),
    Saved(
        107,
        "tomas",
        Definition(
            name="evaluate-candidates",
            description="Each candidate of the vision team runs through the nightly suite.",
            scope=collections_scope(ContainerReference.project("acme/vision"), None, "model"),
            event_type=EventType.ADD_ARTIFACT_ALIAS,
            filter=_alias("^candidate$"),
            action=_webhook("eval-cluster", _EVALUATE),
        ),
    ),
    Saved(
        104,
        "yusuf",
        Definition(
            name="journal-links",
            description="Compliance keeps a record of whatever enters the registry.",
            scope=_registry("models"),
            event_type=EventType.LINK_ARTIFACT,
            action=_webhook("audit-log"),
        ),
    ),
    Saved(
        104,
        "yusuf",
        Definition(
            name="journal-removals",
            description="And of whatever leaves it.",
            scope=_registry("models"),
            event_type=EventType.UNLINK_ARTIFACT,
            action=_webhook("audit-log"),
        ),
    ),
    Saved(
        98,
        "wren",
        Definition(
            name="show-live-prompts",
            description="The old dashboard lists the prompts that are served.",
            scope=_registry("prompts"),
            event_type=EventType.ADD_ARTIFACT_ALIAS,
            filter=_alias("^live$"),
            action=_webhook("old-dashboard"),
        ),
    ),
    Saved(
        91,
        "felix",
        Definition(
            name="page-on-rollback",
            description="Whoever is on call hears of it when production is taken away.",
            scope=_registry("models"),
            event_type=EventType.REMOVE_ARTIFACT_ALIAS,
            filter=_filter({"alias": {"$eq": "production"}}),
            action=_webhook("pager", _PAGE),
        ),
    ),
    Saved(
        84,
        "bao",
        Definition(
            name="retrain-on-clicks",
            description="New clicks start a run of the models that learn from them.",
            scope=collections_scope(ContainerReference.project("acme/ranking"), "clicks-*", None),
            event_type=EventType.CREATE_ARTIFACT,
            filter=_filter({"metadata.rows": {"$gte": 1_000_000}}),
            action=_webhook("ci-deploy", _RETRAIN),
        ),
    ),
    Saved(
        77,
        "lena",
        Definition(
            name="speech-verdicts",
            description="Results of the evaluation, a message in half an hour at most.",
            scope=collections_scope(
                ContainerReference.project("acme/speech"), "/^(transcriber|wake)/", "model"
            ),
            event_type=EventType.ADD_ARTIFACT_TAG,
            filter=_filter({"tag": {"$regex": "^eval-"}}),
            action=SlackAction(
                endpoint="ml-alerts",
                message="${artifact_version_string}: ${tag}, "
                "accuracy ${artifact_metadata.accuracy}",
            ),
            cooldown=timedelta(minutes=30),
        ),
    ),
    Saved(
        70,
        "yusuf",
        Definition(
            name="consent-withdrawn",
            description="A review taken back stops whoever trains on the data.",
            scope=_registry("datasets"),
            event_type=EventType.REMOVE_ARTIFACT_TAG,
            filter=_filter({"tag": {"$eq": "privacy-reviewed"}}),
            action=SlackAction(
                endpoint="ml-alerts",
                title="Do not train on ${artifact_version_string}",
                message="${event_author} took the privacy review back.",
                severity=Severity.ERROR,
            ),
        ),
    ),
    Saved(
        63,
        "saskia",
        Definition(
            name="sign-detector-review",
            description="The one model that drives a vehicle is looked at by a person.",
            scope=CollectionScope(collection=CollectionReference.parse("models/sign-detector")),
            event_type=EventType.LINK_ARTIFACT,
            action=SlackAction(
                endpoint="ml-alerts",
                title="Review ${artifact_version_string}",
                severity=Severity.WARN,
            ),
        ),
    ),
    Saved(
        58,
        "ines",
        Definition(
            name="deploy-on-production",
            description="Rolls out what is promoted: the pipeline takes the reference and the run.",
            scope=_registry("models"),
            event_type=EventType.ADD_ARTIFACT_ALIAS,
            filter=_alias("^production$"),
            action=_webhook("ci-deploy", _DEPLOY),
        ),
    ),
    Saved(
        45,
        "ines",
        Definition(
            name="cleanup-begun",
            description="Compliance wants to know before links go.",
            scope=_registry("models"),
            event_type=EventType.ADD_COLLECTION_TAG,
            filter=_filter({"tag": {"$eq": "cleanup"}}),
            action=_webhook("audit-log"),
        ),
    ),
    Saved(
        38,
        "tomas",
        Definition(
            name="consent-settled",
            description="Only recorded: how often data of the vision team was in question.",
            scope=_project("acme/vision"),
            event_type=EventType.REMOVE_COLLECTION_TAG,
            filter=_filter({"tag": {"$eq": "needs-consent-check"}}),
            action=NoAction(),
        ),
    ),
    Saved(
        31,
        "felix",
        Definition(
            name="canary-gate",
            description="On trial: would send strong, fast models to the canary by itself.",
            scope=_registry("models"),
            event_type=EventType.LINK_ARTIFACT,
            filter=_filter(
                {"metadata.accuracy": {"$gte": 0.9}}, {"metadata.latency_ms": {"$lt": 100}}
            ),
            action=_webhook("ci-deploy", _CANARY),
        ),
        Mode.SHADOW,
    ),
    Saved(
        24,
        "ruth",
        Definition(
            name="evaluate-drafts",
            description="Off until the cluster has the suite for prompts.",
            scope=_project("orchard/assistant"),
            event_type=EventType.CREATE_ARTIFACT,
            filter=_filter({"artifact_type": {"$eq": "prompt"}}),
            action=_webhook("eval-cluster"),
        ),
        Mode.DISABLED,
    ),
)
"""The oldest first. A second one of a name is an edit of the first."""
