"""Who asks, and what this server can do."""

from typing import Any

from firetower.core.json import dump
from firetower.core.references import ContainerKind
from firetower.server.containers import ORGANIZATION, entity_names
from firetower.server.fields import Arguments, Context, Node, make_id, nodes, resolves
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
]
"""What W&B's SDK may ask of this server; a name that is absent is off.

Source: wandb.proto.wandb_internal_pb2.ServerFeature.
"""


@resolves("Query", "serverInfo")
def server_info(_context: Context, _source: None, _arguments: Arguments) -> dict[str, Any]:
    """Return the features."""
    return {"features": [{"name": name, "isEnabled": True} for name in FEATURES]}


@resolves("Query", "viewer")
def viewer(context: Context, _source: None, _arguments: Arguments) -> Node:
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
        "organizations": [Node("Organization", ORGANIZATION)],
    }
    return Node("User", user, values)


@resolves("User", "projects")
def projects(context: Context, _user: str, arguments: Arguments) -> dict[str, Any]:
    """Return every project and registry."""
    kinds = (ContainerKind.PROJECT, ContainerKind.REGISTRY)
    found = [one.reference for kind in kinds for one in list_containers(context.reader, kind)]
    return nodes(found, arguments, "Project")
