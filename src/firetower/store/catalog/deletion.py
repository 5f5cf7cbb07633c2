"""Deleting versions and collections. Their rows stay, for history names them."""

from sqlalchemy import select

from firetower.core.errors import InvalidInput, NotFound
from firetower.core.references import CollectionReference, ContainerKind, VersionReference
from firetower.core.text import and_list, visible
from firetower.store import catalog_schema as schema
from firetower.store.catalog.labels import drop_tag
from firetower.store.catalog.lookups import find_collection, find_version
from firetower.store.catalog.versions import members_of, memberships_of, show, take_out, unlink
from firetower.store.changes import Change


def delete(change: Change, target: VersionReference | CollectionReference) -> int:
    """Delete a version or a collection; return how many versions it had.

    Raises NotFound, and InvalidInput for a link.
    """
    if isinstance(target, CollectionReference):
        return delete_collection(change, target)
    found = find_version(change, target, lock=True)
    if target.collection.container.kind is ContainerKind.REGISTRY:
        source = show(change, found).source
        raise InvalidInput(
            f"{visible(str(target))} is a link to {visible(source)}",
            "Remove the link with `firetower unlink`, or delete what it links.",
        )
    delete_version(change, found.version_id, with_aliases=True)
    return 1


def delete_version(change: Change, version_id: int, *, with_aliases: bool = False) -> None:
    """Take a version out of the collection it was logged to, and remove its links.

    Aliases and tags are removed with their events; `latest` goes to the version before. Raises
    InvalidInput where it has aliases, unless they may go `with_aliases`.
    """
    lock = select(schema.versions.c.id).where(schema.versions.c.id == version_id)
    change.connection.execute(lock.with_for_update())
    members = memberships_of(change, version_id)
    named = [
        visible(f"{member.collection.reference}:{alias}")
        for member in members
        for alias in show(change, member).aliases
    ]
    if named and not with_aliases:
        raise InvalidInput(
            f"the version has aliases: {and_list(named, most=5)}",
            "Remove them first, or delete it with delete_aliases=True.",
        )
    for member in members:
        collection = member.collection.reference
        reference = VersionReference(collection=collection, selector=f"v{member.index}")
        is_link = collection.container.kind is ContainerKind.REGISTRY
        (unlink if is_link else take_out)(change, reference)


def delete_collection(change: Change, reference: CollectionReference) -> int:
    """Delete a collection with its versions, in a registry with its links, and its tags.

    Return how many there were. A collection without versions is not listed; automations that watch
    it stay, for one of its name may be made again. Raises NotFound.
    """
    collection = find_collection(change, reference, lock=True)
    members = members_of(change, collection)
    if not members:
        raise NotFound(
            f"{visible(str(reference))} has no versions", "It may be deleted: list what there is."
        )
    for member in reversed(members):  # the newest last, so that `latest` never moves
        if reference.container.kind is ContainerKind.REGISTRY:
            unlink(change, VersionReference(collection=reference, selector=f"v{member.index}"))
        else:
            delete_version(change, member.version_id, with_aliases=True)
    tags = schema.collection_tags.c
    query = select(tags.tag).where(tags.collection_id == collection.id).order_by(tags.tag)
    for tag in change.connection.execute(query).scalars().all():
        drop_tag(change, collection, tag)
    return len(members)
