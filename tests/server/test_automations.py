"""Automations made, listed, changed and deleted by W&B's SDK, in a process of its own."""

import json
from collections import Counter
from pathlib import Path

import pytest

import receiver
from firetower.core.actions import NoAction, Severity, SlackAction, WebhookAction
from firetower.core.automations import Definition, Mode
from firetower.core.endpoints import EndpointKind, EndpointSettings
from firetower.core.events import EventType
from firetower.core.filters import Filter
from firetower.core.metrics import Comparison, ThresholdCondition
from firetower.core.references import CollectionReference, ContainerReference
from firetower.core.scopes import CollectionScope, CollectionsScope, ContainerScope
from firetower.server.containers import container_id
from firetower.server.graphql import unknown_fields
from serving import Running
from towers import run, webhook

MODELS = ContainerReference.registry("models")
VISION = ContainerReference.project("acme/vision")
RESNET = CollectionReference.parse("acme/vision/resnet")
LINKED = CollectionReference.parse("models/resnet")

IMPORTS = """
import json
import wandb
from wandb.automations import *
from wandb.automations.scopes import RegistryScope
from wandb.errors import CommError

def refused(call, *arguments, **more):
    try:
        call(*arguments, **more)
    except (CommError, ValueError) as error:
        return str(error).strip()
    raise AssertionError("not refused")

api = wandb.Api()
project = api.project("vision", entity="acme")
registry = api.registry("models")
(in_registry,) = registry.collections()
in_project = api.artifact_collection("model", "acme/vision/resnet")
team, organization = api.team("acme"), api.organization()
"""

CREATE = """
hook, = api.webhook_integrations(entity="acme")
slack, = api.slack_integrations()
assert (hook.name, slack.channel_name) == ("ci", "team")
assert {one.id for one in api.integrations()} == {hook.id, slack.id}
payload = {"by": "${automation_name}", "what": "${event_type}"}
post = SendWebhook.from_integration(hook, payload=payload)
events = {
    "link": OnLinkArtifact(scope=registry),
    "unlink": OnUnlinkArtifact(scope=in_registry),
    "alias": OnAddArtifactAlias(
        scope=in_registry, filter=ArtifactEvent.alias.matches_regex("^prod")
    ),
    "create": OnCreateArtifact(scope=in_project),
    "tag": OnAddArtifactTag(scope=project, filter=ArtifactEvent.tag.eq("eu")),
    "untag": OnRemoveArtifactTag(scope=registry),
    "collection": OnAddCollectionTag(scope=team),
    "end": OnRunState(
        scope=organization, filter=(RunEvent.state == "failed") & RunEvent.name.contains("res")
    ),
    "above": OnRunMetric(scope=project, filter=RunEvent.metric("loss").avg(2) > 0.5),
    "rise": OnRunMetric(scope=team, filter=RunEvent.metric("loss").increases_by(frac=0.2)),
    "odd": OnRunMetric(
        scope=project,
        filter=(RunEvent.metric("loss").zscore(3) > 2) & RunEvent.name.eq("resnet"),
    ),
    "uncollection": OnRemoveCollectionTag(scope=registry),
}
for name, event in events.items():
    api.create_automation(event >> post, name=name, description="d")
tell = SendNotification.from_integration(slack, title="t", text="m", level="WARN")
api.create_automation(OnLinkArtifact(scope=registry) >> tell, name="tell", enabled=False)
nothing = api.create_automation(OnLinkArtifact(scope=registry) >> DoNothing(), name="nothing")

names = sorted([*events, "tell", "nothing"])
assert sorted(one.name for one in api.automations()) == names
assert [one.name for one in api.automations(entity="acme", per_page=3)] == names
assert [one.name for one in api.automations(entity="other")] == sorted(
    {*names} - {"create", "tag", "collection", "above", "rise", "odd"}
)
assert api.automation(name="tag", entity="acme") == api.automation(name="tag")

# Read, changed and written back: what is not named stays.
again = api.create_automation(events["link"] >> DoNothing(), name="nothing", fetch_existing=True)
assert again == nothing
for name in names:
    api.update_automation(api.automation(name=name, entity="acme"), description="e")
alias = api.automation(name="alias")
alias.name = "renamed"
assert api.update_automation(alias, enabled=False).updated_at is not None
told = api.update_automation(
    api.automation(name="tell"),
    event=OnAddArtifactAlias(scope=registry, filter=ArtifactEvent.alias.eq("x")),
    action=DoNothing(),
)
assert told.event.event_type == EventType.ADD_ARTIFACT_ALIAS
assert api.update_automation(api.automation(name="tag"), scope=team).scope.name == "acme"

# A collection is saved whole with its tags; what it is called stays.
for collection in (in_project, in_registry):
    collection.tags = ["good"]
    collection.save()
in_registry.tags = []
in_registry.save()
in_project.name = "other"
assert "cannot be renamed" in refused(in_project.save)
"""


def fill(running: Running, url: str) -> None:
    """Add a registry with a linked version, a webhook and a Slack channel."""
    tower = running.tower
    tower.create_registry("models")
    tower.link(tower.log(str(RESNET), type="model", empty=True), str(LINKED))
    webhook(tower, "ci", url)
    tower.secrets.set("SLACK", url)
    tower.endpoints.create(
        EndpointSettings(name="team", kind=EndpointKind.SLACK, url_secret="SLACK")
    )


def test_automations_of_the_sdk_fire(on_sqlite: Running) -> None:
    with receiver.serve() as received:
        fill(on_sqlite, received.url())
        unknown_fields.clear()
        on_sqlite.sdk(IMPORTS + CREATE)
        assert not unknown_fields
        tower = on_sqlite.tower
        version = tower.log(str(RESNET), type="model", paths=[Path(__file__)])
        linked = tower.link(version, str(LINKED)).reference
        tower.add_tag(version, "eu", "us")
        tower.add_alias(linked, "production")  # its automation is disabled by now
        tower.add_tag(linked, "us")
        tower.remove_tag(linked, "us")
        tower.unlink(linked)
        for name in ("resnet", "bert"):
            run_ = tower.runs.start("acme/vision", name=name)
            for step, loss in enumerate((0.1, 0.11, 0.1, 0.9, 0.91)):
                tower.runs.log_metrics(run_, {"loss": loss}, step)
            tower.runs.finish(run_, exit_code=1)
        run(on_sqlite.database, "worker", "--once")
        bodies = [json.loads(one.body) for one in received.at("/hook")]
    saved = {one.name: one for one in tower.automations.list()}
    fired = Counter((one["by"], one["what"]) for one in bodies)
    once = ("collection", "create", "end", "link", "odd", "tag", "uncollection", "unlink", "untag")
    expected = Counter({**dict.fromkeys(once, 1), "above": 2, "rise": 2})  # of two runs
    assert fired == {
        (name, str(saved[name].definition.event_type)): count for name, count in expected.items()
    }
    assert {one.definition.description for one in saved.values()} == {"e"}
    renamed, told, nothing = saved["renamed"], saved["tell"], saved["nothing"]
    assert renamed.mode is told.mode is Mode.DISABLED
    assert renamed.definition.scope == CollectionScope(collection=LINKED)
    regex = {"$or": [{"$and": [{"alias": {"$regex": "^prod"}}]}]}
    assert renamed.definition.filter == Filter.of(regex)
    payload = '{"by":"${automation_name}","what":"${event_type}"}'
    assert renamed.definition.action == WebhookAction(endpoint="ci", payload=payload)
    assert told.definition.event_type is EventType.ADD_ARTIFACT_ALIAS
    assert nothing.definition.action == NoAction()
    assert saved["create"].definition.scope == CollectionsScope(container=VISION, glob="resnet")
    acme = ContainerReference.entity_named("acme")
    for name in ("collection", "tag"):
        assert saved[name].definition.scope == ContainerScope(container=acme)
    first = tower.automations.revisions("tell")[-1].definition
    assert first.action == SlackAction(
        endpoint="team", title="t", message="m", severity=Severity.WARN
    )


REFUSED = """
first = api.create_automation(OnLinkArtifact(scope=registry) >> DoNothing(), name="first")
link = OnLinkArtifact(scope=registry)
gone = RegistryScope(id=GONE, name="wandb-registry-gone")
said = [
    refused(api.create_automation, link >> DoNothing(), name="first"),
    refused(api.create_automation, OnLinkArtifact(scope=project) >> DoNothing(), name="b"),
    refused(api.create_automation, OnLinkArtifact(scope=gone) >> DoNothing(), name="b"),
    refused(api.create_automation, link >> SendWebhook(integration_id="eA=="), name="b"),
    refused(api.create_automation, link >> DoNothing(), name=" "),
    refused(
        api.create_automation,
        OnAddArtifactAlias(scope=registry, filter=ArtifactEvent.alias.matches_regex("(?=a)"))
        >> DoNothing(),
        name="b",
    ),
    refused(api.update_automation, first, scope=project),
]
api.delete_automation(first)
said += [
    refused(api.update_automation, first),
    refused(api.delete_automation, first),
]
assert list(api.automations()) == []
print(json.dumps(said))
"""
SAID = [
    "Automation 'first' exists. Unable to create another with the same name.",
    "LINK_ARTIFACT (version linked) happens only in a registry, so it never fires in a project\n",
    "there is no registry gone\n",
    '"eA==" is not the id of a GenericWebhookIntegration\n',
    'automation name " " is empty\n',
    'RE2 refuses the regex "(?=a)"',
    "LINK_ARTIFACT (version linked) happens only in a registry, so it never fires in a project\n",
    "Automation 'first' not found. Unable to edit it.",
    "there is no such automation\n",
]


@pytest.mark.slow
def test_sdk_is_told_why_an_automation_is_refused(on_sqlite: Running) -> None:
    fill(on_sqlite, "http://127.0.0.1:1/")
    gone = f"GONE = {container_id(ContainerReference.registry('gone'))!r}\n"
    printed = on_sqlite.sdk(IMPORTS + gone + REFUSED)
    for said, expected in zip(json.loads(printed), SAID, strict=True):
        assert said.removeprefix("input: ").startswith(expected)


CREATE_WEBHOOK = """mutation ($input: CreateGenericWebhookIntegrationInput!) {
    createGenericWebhookIntegration(input: $input) { integration { __typename name urlEndpoint } } }
"""
LIST = """query ($filters: JSONString) { entity(name: "acme") {
    triggers(filters: $filters) { edges { node { name } } } } }"""


def test_automation_without_the_sdk(running: Running) -> None:
    running.tower.secrets.set("TOKEN", "a")
    given = {"name": "ci", "urlEndpoint": "https://ci.example/", "accessTokenRef": "TOKEN"}
    made = running.query(CREATE_WEBHOOK, input={**given, "entityName": "acme"})
    assert made["createGenericWebhookIntegration"]["integration"] == {
        "__typename": "GenericWebhookIntegration",
        "name": "ci",
        "urlEndpoint": "https://ci.example/",
    }
    assert running.tower.endpoints.find("ci").settings.access_token_secret == "TOKEN"
    assert running.refused(CREATE_WEBHOOK, input=given)[0] == 409
    create = "mutation ($input: Any) { createFilterTrigger(input: $input) { trigger { id } } }"
    running.tower.create_registry("models")
    automation = {
        "name": "on link",
        "scopeType": "PROJECT",
        "scopeID": container_id(MODELS),
        "triggeringEventType": "LINK_ARTIFACT",
        "eventFilter": "{}",
        "triggeredActionType": "NO_OP",
    }
    for missing in automation:
        status, said = running.refused(create, input={**automation, missing: None})
        assert (status, said) == (200, f"{missing} is missing")
    trigger = running.query(create, input=automation)["createFilterTrigger"]["trigger"]
    assert running.refused(create, input=automation)[0] == 409
    update = "mutation ($input: Any) { updateFilterTrigger(input: $input) { trigger { name } } }"
    before = running.tower.automations.get("on link")
    changed = running.query(update, input={"id": trigger["id"]})
    assert changed["updateFilterTrigger"]["trigger"] == {"name": "on link"}
    assert running.tower.automations.get("on link") == before
    for filters, names in (
        (None, ["on link"]),
        ('{"name": "on link"}', ["on link"]),
        ('{"name": "b"}', []),
    ):
        edges = running.query(LIST, filters=filters)["entity"]["triggers"]["edges"]
        assert [one["node"]["name"] for one in edges] == names
    assert running.refused(LIST, filters='{"enabled": true}')[1].startswith("automations cannot be")


PAGE = """query ($entity: String!, $after: String) { entity(name: $entity) {
    triggers(first: 2, after: $after) {
        totalCount pageInfo { endCursor hasNextPage } edges { node { name } } } } }"""


def test_pages_list_what_an_entity_sees_and_the_sdk_can_read(running: Running) -> None:
    tower = running.tower
    tower.create_registry("models")
    for project in ("acme/vision", "other/vision"):
        tower.create_project(project)
    scopes = {
        "a": ContainerReference.project("acme/vision"),
        "b": ContainerReference.project("other/vision"),
        "c": ContainerReference.entity_named("acme"),
        "d": ContainerReference.entity_named("other"),
        "e": MODELS,
        "f": ContainerReference.organization(),
        "equal": ContainerReference.project("acme/vision"),
        "g": ContainerReference.project("acme/vision"),
    }
    equal = ThresholdCondition(metric="loss", comparison=Comparison.EQ, threshold=0)
    for name, container in scopes.items():
        is_equal = name == "equal"
        tower.automations.create(
            Definition(
                name=name,
                scope=ContainerScope(container=container),
                event_type=EventType.RUN_METRIC if is_equal else EventType.ADD_ARTIFACT_TAG,
                condition=equal if is_equal else None,
                action=NoAction(),
            )
        )
    for entity, seen in (("acme", "acefg"), ("other", "bdef"), ("organization", "ef")):
        names, after, pages = "", None, 0
        while True:
            found = running.query(PAGE, entity=entity, after=after)["entity"]["triggers"]
            names += "".join(one["node"]["name"] for one in found["edges"])
            after, pages = found["pageInfo"]["endCursor"], pages + 1
            if not found["pageInfo"]["hasNextPage"]:
                break
        assert (names, pages) == (seen, -(-found["totalCount"] // 2))
    walk = "{ viewer { projects { edges { node { name triggers { name } } } } } }"
    edges = running.query(walk)["viewer"]["projects"]["edges"]
    walked = [one["name"] for edge in edges for one in edge["node"]["triggers"]]
    assert sorted(walked) == ["a", "b", "c", "d", "e", "f", "g"]
