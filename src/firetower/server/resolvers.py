"""The GraphQL API as tables: which function resolves which field.

There is no schema. What a node holds already needs no resolver; a field that is neither there nor
here is null, and counted. In lambdas `c` is the context, `one` the node's source, and `a` the
field's arguments.
"""

from collections.abc import Callable, Mapping
from typing import Any

from firetower.server import (
    actions,
    artifacts,
    automations,
    catalog,
    collections,
    containers,
    runs,
)
from firetower.server.catalog import (
    aliases_of,
    artifact_of,
    find_selected,
    membership_node,
    named_collection,
    named_version,
    read_collection_id,
    shown,
    tag_node,
    type_node,
)
from firetower.server.collections import members, page_of, selected
from firetower.server.containers import entity_node, existing, named_project, project_reference
from firetower.server.fields import Arguments, Context, connection, make_id, moment, nodes
from firetower.store.catalog import labels
from firetower.store.catalog.lookups import find_container
from firetower.store.catalog.versions import memberships_of

Root = Callable[[Context, Arguments], object]
"""Returns the value of a query from its arguments, or of a mutation from its `input`."""
Resolver = Callable[[Context, Any, Arguments], object]
"""Returns the value of a field from its node's source and the field's arguments."""

QUERIES: Mapping[str, Root] = {
    "artifact": catalog.artifact,
    "artifactCollection": lambda c, a: collections.existing(c, read_collection_id(a.text("id"))),
    "clientIDMapping": artifacts.server_id,
    "entity": lambda c, a: entity_node(a.optional_text("name") or c.token.entity),
    "model": lambda c, a: existing(c, named_project(c, a, "name")),
    "models": lambda c, a: containers.projects_of(
        c, a.optional_text("entityName") or c.token.entity, a
    ),
    "organization": lambda _, a: containers.organization(a.text("name")),
    "project": lambda c, a: existing(c, named_project(c, a, "name")),
    "serverInfo": lambda *_: containers.SERVER_INFO,
    "users": lambda *_: None,  # people have no accounts here, only tokens
    "viewer": containers.viewer,
}

MUTATIONS: Mapping[str, Root] = {
    "addAliases": lambda c, a: artifacts.change_aliases(c, a, labels.point_alias),
    "commitArtifact": artifacts.commit,
    "createArtifact": artifacts.create,
    "createArtifactCollectionTagAssignments": lambda c, a: artifacts.change_collection_tags(
        c, a, labels.add_tags
    ),
    "createArtifactFiles": artifacts.create_files,
    "createArtifactManifest": artifacts.create_manifest,
    "createFilterTrigger": automations.create_trigger,
    "createGenericWebhookIntegration": actions.create_integration,
    "createRunFiles": runs.create_files,
    "deleteAliases": lambda c, a: artifacts.change_aliases(c, a, labels.drop_alias),
    "deleteArtifact": artifacts.delete,
    "deleteArtifactCollectionTagAssignments": lambda c, a: artifacts.change_collection_tags(
        c, a, labels.remove_tags
    ),
    "deleteArtifactPortfolio": collections.delete,
    "deleteArtifactSequence": collections.delete,
    "deleteTrigger": automations.delete_trigger,
    "linkArtifact": artifacts.link,
    "notifyScriptableRunAlert": runs.alert,
    "stopRun": runs.stop,
    "unlinkArtifact": artifacts.unlink,
    "updateArtifact": artifacts.update,
    "updateArtifactManifest": artifacts.create_manifest,
    "updateArtifactPortfolio": collections.update,
    "updateArtifactSequence": collections.update,
    "updateFilterTrigger": automations.update_trigger,
    "upsertBucket": runs.upsert,
    "upsertModel": containers.upsert_project,
    "useArtifact": runs.use_artifact,
}

REFUSED: Mapping[str, tuple[str, str]] = {
    "deleteModel": (
        "registries and projects cannot be deleted: history names them",
        "Delete or unlink their versions.",
    ),
    "deleteRun": (
        "a run cannot be deleted",
        "Values of old ones go with `firetower database prune`.",
    ),
    "moveArtifactSequence": (
        "the type of a collection cannot be changed",
        "Its first version fixed it; log to another collection.",
    ),
    "renameProject": (
        "registries and projects cannot be renamed: history names them",
        "Make another, and link versions there.",
    ),
}
"""Mutations that W&B has and Firetower has not: what is wrong, and what to do."""

ABSENT = frozenset(
    {"allViews", "commit", "commitHash", "coreWeaveOrganizationId", "deletedAt", "description"}
    | {"historyStep", "isPaid", "photoUrl", "readOnly", "storagePath", "sweepName", "user", "views"}
)
"""Fields that W&B has and Firetower has not, where their object does not say otherwise."""

_COLLECTION: Mapping[str, Resolver] = {
    "aliases": lambda c, one, a: nodes(aliases_of(c, members(c, one)), a),
    "artifactMembership": lambda c, one, a: membership_node(
        find_selected(c, one, a.text("aliasName"))
    ),
    "artifactMemberships": lambda c, one, a: nodes(
        selected(c, members(c, one), a), a, membership_node
    ),
    "artifacts": lambda c, one, a: connection(
        selected(c, members(c, one), a),
        a,
        lambda found: {"version": f"v{found.index}", "node": artifact_of(c, found)},
    ),
    "createdAt": lambda c, one, _: moment(collections.detail(c, one).created_at),
    "defaultArtifactType": lambda c, one, _: type_node(collections.detail(c, one).type),
    "latestArtifact": lambda c, one, _: artifact_of(c, find_selected(c, one, "latest")),
    "tags": lambda c, one, a: nodes(collections.detail(c, one).tags, a, tag_node),
    "updatedAt": lambda c, one, _: moment(collections.detail(c, one).created_at),
}
FIELDS: Mapping[str, Mapping[str, Resolver]] = {
    "Artifact": {
        "aliases": lambda c, one, _: aliases_of(c, memberships_of(c.reader, one.version_id)),
        "artifactMemberships": lambda c, one, a: nodes(
            memberships_of(c.reader, one.version_id), a, membership_node
        ),
        "createdBy": runs.maker_of,
        "currentManifest": catalog.manifest_of,
        "files": catalog.files,
        "filesByManifestEntries": catalog.files,
        "tags": lambda c, one, _: [tag_node(tag) for tag in catalog.tags_of(c, one)],
        "usedBy": runs.users_of,
    },
    "ArtifactCollectionMembership": {
        "aliases": lambda c, one, _: aliases_of(c, [one]),
        "artifact": lambda c, one, _: artifact_of(c, one),
        "createdAt": lambda c, one, _: moment(shown(c, one).created_at),
        "files": catalog.files,
    },
    "ArtifactPortfolio": _COLLECTION,
    "ArtifactSequence": _COLLECTION,
    "ArtifactType": {
        "artifactCollection": collections.collection_of_type,
        "artifactCollections": lambda c, one, a: page_of(collections.of_type(c, one).values(), a),
    },
    "Entity": {
        "artifactCollections": lambda c, one, a: page_of(collections.in_registries(c, one, a), a),
        "artifactMemberships": collections.registries_memberships,
        "integrations": actions.integrations,
        "organization": lambda *_: containers.organization(),
        "project": lambda c, one, a: existing(c, project_reference(c, one, a.text("name"))),
        "projects": containers.projects_of,
        "triggers": automations.triggers_seen_by,
    },
    "Organization": {
        "triggers": automations.triggers_seen_by,
    },
    "Project": {
        "artifact": lambda c, one, a: artifact_of(c, named_version(c, one, a.text("name"))),
        "artifactCollection": lambda c, one, a: collections.existing(
            c, named_collection(one, a.text("name"))
        ),
        "artifactCollectionMembership": lambda c, one, a: membership_node(
            named_version(c, one, a.text("name"))
        ),
        "artifactCollections": lambda c, one, a: page_of(collections.listed(c, one).values(), a),
        "artifactType": lambda c, one, a: collections.types_of(c, one).get(a.text("name")),
        "artifactTypes": lambda c, one, a: nodes([*collections.types_of(c, one).values()], a),
        "bucket": runs.run_of,
        "createdAt": lambda c, one, _: moment(containers.shown(c, one).created_at),
        "description": lambda c, one, _: containers.shown(c, one).description,
        "internalId": lambda c, one, _: make_id("ProjectInternalId", find_container(c.reader, one)),
        "run": runs.run_of,
        "runCount": runs.run_count,
        "runs": runs.runs_of,
        "triggers": automations.triggers_of,
        "updatedAt": lambda c, one, _: moment(containers.shown(c, one).created_at),
    },
    "Run": {
        "events": runs.events,
        "eventsLineCount": lambda c, one, _: runs.next_line(c, one, system=True),
        "eventsTail": runs.tail,
        "history": runs.history,
        "historyKeys": runs.history_keys,
        "historyLineCount": lambda c, one, _: runs.next_line(c, one),
        "historyTail": runs.tail,
        "inputArtifacts": lambda c, one, a: runs.artifacts_of(c, one, a, used=True),
        "outputArtifacts": lambda c, one, a: runs.artifacts_of(c, one, a, used=False),
        "parquetHistory": runs.parquet_history,
        "sampledHistory": runs.sampled_history,
        "summaryMetrics": runs.summary,
        "systemMetrics": runs.system_metrics,
    },
    "User": {
        "projects": containers.all_projects,
    },
}
