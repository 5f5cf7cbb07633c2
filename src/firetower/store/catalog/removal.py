"""Deleting versions: they leave every collection, and history keeps what they were."""

from sqlalchemy import select

from firetower.core.errors import InvalidInput
from firetower.core.references import ContainerKind, VersionReference
from firetower.core.text import and_list, visible
from firetower.store import catalog_schema as schema
from firetower.store.catalog.lookups import FoundVersion
from firetower.store.catalog.memberships import memberships_of
from firetower.store.catalog.versions import show, take_out, unlink
from firetower.store.changes import Change


def delete_version(change: Change, version_id: int, *, with_aliases: bool = False) -> None:
    """Take a version out of the collection it was logged to, and remove its links.

    Aliases and tags are removed with their events; `latest` goes to the version before. Raises
    InvalidInput where it has aliases, unless they may go `with_aliases`.
    """
    lock = select(schema.versions.c.id).where(schema.versions.c.id == version_id)
    change.connection.execute(lock.with_for_update())
    members = memberships_of(change, version_id)
    named = [one for member in members for one in _aliases(change, member)]
    if named and not with_aliases:
        raise InvalidInput(
            f"the version has aliases: {and_list(named[:5])}",
            "Remove them first, or delete it with delete_aliases=True.",
        )
    for member in members:
        collection = member.collection.reference
        reference = VersionReference(collection=collection, selector=f"v{member.index}")
        is_link = collection.container.kind is ContainerKind.REGISTRY
        (unlink if is_link else take_out)(change, reference)


def _aliases(change: Change, member: FoundVersion) -> list[str]:
    where = member.collection.reference
    return [visible(f"{where}:{alias}") for alias in show(change, member).aliases]
