"""Whether two automations would send the same event to the same place."""

from firetower.core.automations import Automation, Definition, Mode
from firetower.core.scopes import CollectionScope, CollectionsScope, Scope


def overlaps(definition: Definition, other: Automation) -> bool:
    """Return whether an enabled automation may send an event there that `definition` sends too.

    Filters are not compared: of two it cannot be told in general whether both can hold.
    """
    return (
        other.mode is Mode.ENABLED
        and definition.action.integration is not None
        and other.definition.action.type is definition.action.type
        and other.definition.action.integration == definition.action.integration
        and other.definition.event_type is definition.event_type
        and may_meet(other.definition.scope, definition.scope)
    )


def may_meet(one: Scope, other: Scope) -> bool:
    """Return whether one collection, now or later, may lie in both scopes."""
    if one.container != other.container:
        return False
    match one, other:
        case CollectionScope(), CollectionScope():
            return one.collection == other.collection
        case CollectionsScope(), CollectionsScope():
            types = {one.artifact_type, other.artifact_type} - {None}
            return len(types) < 2
    return True
