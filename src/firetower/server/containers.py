"""Projects, registries, entities, the one organization and who asks, as W&B has them.

A registry is a project `wandb-registry-NAME` of the organization's entity. Everyone belongs to the
organization; its name and that of its entity are the same.
"""

from firetower.core.catalog import Container
from firetower.core.errors import InvalidInput, NotFound
from firetower.core.json import dump
from firetower.core.references import WANDB_REGISTRY_PREFIX, ContainerKind, ContainerReference
from firetower.server.fields import (
    NO_ITEMS,
    Answer,
    Arguments,
    Context,
    Facts,
    Node,
    make_id,
    moment,
    nodes,
    read_id,
    select,
)
from firetower.store.catalog import containers as store
from firetower.store.catalog.lookups import find_container

ORGANIZATION = ContainerReference.organization().name
"""The organization, and its entity."""
MODEL_REGISTRY = "model"
"""The registry that `run.link_model` links into."""
_MODEL_REGISTRY = "model-registry"
"""W&B's old name of it, a project of every entity: its SDK still sends that."""
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


def project_reference(context: Context, entity: str | None, name: str | None) -> ContainerReference:
    """Return the project or registry that W&B's SDK names. Raises InvalidInput."""
    if name == _MODEL_REGISTRY:
        return ContainerReference.registry(MODEL_REGISTRY)
    return _project(entity or context.token.entity, name or "uncategorized")


def _project(entity: str, name: str) -> ContainerReference:
    if name.startswith(WANDB_REGISTRY_PREFIX):
        return ContainerReference.registry(name)
    return ContainerReference.project(f"{entity}/{name}")


def named_project(
    context: Context, given: Arguments, name: str = "projectName"
) -> ContainerReference:
    """Return the project or registry that `entityName` and `projectName` name."""
    return project_reference(context, given.optional_text("entityName"), given.optional_text(name))


def wandb_names(reference: ContainerReference) -> tuple[str, str]:
    """Return the entity and the name of a project or registry in W&B's SDK."""
    if reference.kind is ContainerKind.REGISTRY:
        return ORGANIZATION, f"{WANDB_REGISTRY_PREFIX}{reference.name}"
    return reference.entity, reference.name


def container_id(reference: ContainerReference) -> str:
    """Return the id of a project or registry, or of an entity or the organization."""
    if reference.kind.covers_several:
        return make_id("Entity", reference.name)
    return make_id("Project", "/".join(wandb_names(reference)))


def read_container_id(text: str, type_: str) -> ContainerReference:
    """Return the container of an id of a `Project` or `Entity`. Raises InvalidInput."""
    key = read_id(text, type_)
    if type_ == "Project":
        entity, _, name = key.partition("/")
        return _project(entity, name)
    if key == ORGANIZATION:
        return ContainerReference.organization()
    return ContainerReference.entity_named(key)


def project_node(reference: ContainerReference) -> Node:
    """Return a project or registry. Fields that only W&B has are empty."""
    entity, name = wandb_names(reference)
    values = {
        "id": container_id(reference),
        "name": name,
        "entityName": entity,
        "entity": entity_node(entity),
        "access": "PRIVATE",
        "allowAllArtifactTypesInRegistry": True,
        "readOnly": False,
        "isBenchmark": False,
        "members": [],
        "teamMembers": [],
        "totalSweeps": 0,
        "sweeps": NO_ITEMS,
    }
    return Node("Project", reference, values)


def entity_node(name: str) -> Node:
    """Return an entity, or the organization's."""
    kind = "organization" if name == ORGANIZATION else "team"
    values = {
        "id": make_id("Entity", name),
        "name": name,
        "entityType": kind,
        "isTeam": True,
        "available": False,
        "readOnlyAdmin": False,
        "privateOnly": False,
        "storageBytes": 0,
        "codeSavingEnabled": False,
        "defaultAccess": "USER_WRITE",
        "members": [],
    }
    return Node("Entity", name, values)


def organization(name: str = ORGANIZATION) -> Node | None:
    """Return the organization with the entity that has the registries, if that is its name."""
    if name != ORGANIZATION:
        return None
    values = {
        "id": make_id("Organization", ORGANIZATION),
        "name": ORGANIZATION,
        "orgEntity": entity_node(ORGANIZATION),
        "advancedRegistryFeatures": {"advancedSearch": False},
    }
    return Node("Organization", ORGANIZATION, values)


def existing(context: Context, reference: ContainerReference) -> Node | None:
    """Return a project or registry, or None where there is none."""
    try:
        find_container(context.reader, reference)
    except NotFound:
        return None
    return project_node(reference)


def projects_of(context: Context, entity: str, arguments: Arguments) -> Answer:
    """Return an entity's projects; of the organization's entity they are the registries."""
    if entity == ORGANIZATION:
        found = store.list_containers(context.reader, ContainerKind.REGISTRY)
    else:
        projects = store.list_containers(context.reader, ContainerKind.PROJECT)
        found = [one for one in projects if one.reference.entity == entity]
    chosen = select(found, lambda one: project_facts(context, one), arguments)
    return nodes([one.reference for one in chosen], arguments, project_node)


def project_facts(context: Context, container: Container) -> Facts:
    """Return the fields of a project or registry for filters and orders."""
    created = moment(container.created_at)
    return {
        "id": find_container(context.reader, container.reference),
        "name": wandb_names(container.reference)[1],
        "description": container.description,
        "created_at": created,
        "updated_at": created,
    }


def shown(context: Context, reference: ContainerReference) -> Container:
    """Return a project or registry as the catalog shows it."""
    return context.cached(reference, lambda: store.show_container(context.reader, reference))


def upsert_project(context: Context, given: Arguments) -> Answer:
    """Make a project or registry; one that is there gets the description, if one is given."""
    reference = project_reference(context, given.optional_text("entityName"), given.text("name"))
    description = given.optional_text("description")
    if reference.kind is ContainerKind.REGISTRY and given.optional_text("access") == "RESTRICTED":
        raise InvalidInput(
            "a registry cannot be restricted: everyone here sees all",
            'Create it with visibility="organization".',
        )
    if reference.kind is ContainerKind.REGISTRY and given.sequence("artifactTypes"):
        raise InvalidInput("a registry takes versions of every type", "Leave artifact_types out.")
    made = store.ensure_container(context.change, reference, description or "")
    if not made and description is not None:
        store.describe_container(context.change, reference, description)
    node = project_node(reference)
    return {"inserted": made, "project": node, "model": node}


def viewer(context: Context, _: Arguments) -> Node:
    """Return the token's user, who belongs to every entity."""
    user = context.token.user
    entities = store.list_containers(context.reader, ContainerKind.ENTITY)
    values = {
        "id": make_id("User", user),
        "name": user,
        "username": user,
        "entity": context.token.entity,
        "email": "",
        "admin": False,
        "flags": dump({}),
        "teams": {"edges": [{"node": {"name": one.reference.name}} for one in entities]},
        "apiKeys": {"edges": []},
        "organizations": [organization()],
    }
    return Node("User", user, values)


def all_projects(context: Context, _user: str, arguments: Arguments) -> Answer:
    """Return every project and registry, and entities and the organization with automations.

    W&B's SDK walks through them to list automations when no entity is named.
    """
    found = [one for kind in ContainerKind for one in store.list_containers(context.reader, kind)]
    shown = [
        one.reference for one in found if not one.reference.kind.covers_several or one.automations
    ]
    return nodes(shown, arguments, project_node)
