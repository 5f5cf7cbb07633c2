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
from firetower.server.catalog import artifact_node, shown, tag_node, type_node
from firetower.server.containers import ORGANIZATION, entity_node, existing, named_project
from firetower.server.fields import Arguments, Context, make_id, moment, nodes
from firetower.store.catalog.lookups import find_container
from firetower.store.catalog.versions import memberships_of

Root = Callable[[Context, Arguments], object]
"""Returns the value of a query from its arguments, or of a mutation from its `input`."""
Resolver = Callable[[Context, Any, Arguments], object]
"""Returns the value of a field from its node's source and the field's arguments."""

QUERIES: Mapping[str, Root] = {
    "artifact": catalog.artifact,
    "artifactCollection": collections.collection,
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
    "addAliases": artifacts.add_aliases,
    "commitArtifact": artifacts.commit,
    "createArtifact": artifacts.create,
    "createArtifactCollectionTagAssignments": artifacts.add_collection_tags,
    "createArtifactFiles": artifacts.create_files,
    "createArtifactManifest": artifacts.create_manifest,
    "createFilterTrigger": automations.create_trigger,
    "createGenericWebhookIntegration": actions.create_integration,
    "createRunFiles": runs.create_files,
    "deleteAliases": artifacts.delete_aliases,
    "deleteArtifact": artifacts.delete,
    "deleteArtifactCollectionTagAssignments": artifacts.delete_collection_tags,
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
    "aliases": collections.aliases,
    "artifactMembership": collections.membership,
    "artifactMemberships": collections.memberships,
    "artifacts": collections.artifacts,
    "createdAt": collections.created_at,
    "defaultArtifactType": lambda c, one, _: type_node(collections.detail(c, one).type),
    "latestArtifact": collections.latest_artifact,
    "tags": lambda c, one, a: nodes(collections.detail(c, one).tags, a, tag_node),
    "updatedAt": collections.created_at,
}
FIELDS: Mapping[str, Mapping[str, Resolver]] = {
    "Artifact": {
        "aliases": catalog.aliases_everywhere,
        "artifactMemberships": lambda c, one, a: nodes(
            memberships_of(c.reader, one.version_id), a, catalog.membership_node
        ),
        "createdBy": runs.maker_of,
        "currentManifest": catalog.manifest_of,
        "files": catalog.files,
        "filesByManifestEntries": catalog.files,
        "tags": lambda c, one, _: [tag_node(tag) for tag in catalog.tags_of(c, one)],
        "usedBy": runs.users_of,
    },
    "ArtifactCollectionMembership": {
        "aliases": catalog.aliases_in,
        "artifact": lambda c, one, _: artifact_node(c, one.version_id),
        "createdAt": lambda c, one, _: moment(shown(c, one).created_at),
        "files": catalog.files,
    },
    "ArtifactPortfolio": _COLLECTION,
    "ArtifactSequence": _COLLECTION,
    "ArtifactType": {
        "artifactCollection": collections.collection_of_type,
        "artifactCollections": collections.collections_of_type,
    },
    "Entity": {
        "artifactCollections": collections.registries_collections,
        "artifactMemberships": collections.registries_memberships,
        "integrations": actions.integrations,
        "organization": lambda *_: containers.organization(ORGANIZATION),
        "project": containers.project_of,
        "projects": containers.projects_of,
        "triggers": automations.triggers_seen_by,
    },
    "Organization": {
        "triggers": automations.triggers_seen_by,
    },
    "Project": {
        "artifact": catalog.artifact_of,
        "artifactCollection": collections.collection_of,
        "artifactCollectionMembership": catalog.membership_in,
        "artifactCollections": collections.collections_of,
        "artifactType": collections.type_in,
        "artifactTypes": collections.types_of,
        "bucket": runs.run_of,
        "createdAt": containers.created_at,
        "description": lambda c, one, _: containers.shown(c, one).description,
        "internalId": lambda c, one, _: make_id(
            "ProjectInternalId", find_container(c.reader.connection, one)
        ),
        "run": runs.run_of,
        "runCount": runs.run_count,
        "runs": runs.runs_of,
        "triggers": automations.triggers_of,
        "updatedAt": containers.created_at,
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
