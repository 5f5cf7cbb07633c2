"""Who asks, and what this server can do."""

from firetower.core.json import dump
from firetower.core.references import ContainerKind
from firetower.server.containers import entity_names, organization_node, project_node
from firetower.server.fields import Answer, Arguments, Context, Node, make_id, nodes
from firetower.store.catalog.containers import list_containers

FEATURES = [
    "ARTIFACT_TAGS",
    "CLIENT_IDS",
    "ARTIFACT_REGISTRY_SEARCH",
    "INCLUDE_ARTIFACT_TYPES_IN_REGISTRY_CREATION",
    "ARTIFACT_COLLECTION_MEMBERSHIP_FILES",
    "PROJECT_ARTIFACT_COLLECTION_MEMBERSHIP",
    "ARTIFACT_MEMBERSHIP_IN_LINK_ARTIFACT_RESPONSE",
    "ARTIFACT_COLLECTIONS_FILTERING_SORTING",
    "TOTAL_COUNT_IN_FILE_CONNECTION",
    "USE_ARTIFACT_WITH_ENTITY_AND_PROJECT_INFORMATION",
    "QUERY_AUTOMATIONS_ON_ENTITY",
    "AUTOMATION_SCOPE_ENTITY",
    "AUTOMATION_ACTION_NO_OP",
    "AUTOMATION_EVENT_RUN_METRIC_ZSCORE",
    "AUTOMATION_EVENT_UNLINK_ARTIFACT",
    "AUTOMATION_EVENT_ADD_ARTIFACT_TAG",
    "AUTOMATION_EVENT_REMOVE_ARTIFACT_TAG",
    "AUTOMATION_EVENT_ADD_COLLECTION_TAG",
    "AUTOMATION_EVENT_REMOVE_COLLECTION_TAG",
]
"""What W&B's SDK may ask of this server; a name that is absent is off.

Source: wandb.proto.wandb_internal_pb2.ServerFeature.
"""


SERVER_INFO = {"features": [{"name": name, "isEnabled": True} for name in FEATURES]}


def viewer(context: Context, _: Arguments) -> Node:
    """Return the token's user, who belongs to every entity."""
    user = context.token.user
    teams = {"edges": [{"node": {"name": name}} for name in entity_names(context)]}
    values = {
        "id": make_id("User", user),
        "name": user,
        "username": user,
        "entity": context.token.entity,
        "email": "",
        "admin": False,
        "flags": dump({}),
        "teams": teams,
        "apiKeys": {"edges": []},
        "organizations": [organization_node()],
        "deletedAt": None,
    }
    return Node("User", user, values)


def all_projects(context: Context, _user: str, arguments: Arguments) -> Answer:
    """Return every project and registry, and entities and the organization with automations.

    W&B's SDK walks through them to list automations when no entity is named.
    """
    found = [one for kind in ContainerKind for one in list_containers(context.reader, kind)]
    shown = [
        one.reference for one in found if not one.reference.kind.covers_several or one.automations
    ]
    return nodes(shown, arguments, project_node)
