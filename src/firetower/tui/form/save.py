"""Saving what was written in the form, and noticing what others have changed meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firetower.core.automations import Automation, Definition, Mode
from firetower.core.errors import Conflict, NotFound
from firetower.core.text import visible

if TYPE_CHECKING:
    from firetower.tower import Tower


class ChangedMeanwhile(Conflict):
    """The automation is no longer as it was when the form was opened."""

    def __init__(self, message: str, hint: str, now: Automation | None) -> None:
        super().__init__(message, hint)
        self.now = now
        """As it is now, or None when it is gone: saving again goes by this."""


def save(tower: Tower, definition: Definition, mode: Mode, before: Automation | None) -> None:
    """Save a new automation, or a changed one in the place of `before`.

    Raises ChangedMeanwhile instead of undoing silently what someone else has changed, and what the
    database raises.
    """
    if before is None:
        tower.automations.create(definition, mode)
        return
    name = visible(before.name)
    try:
        now = tower.automations.get(before.name)
    except NotFound:
        raise ChangedMeanwhile(
            f"{name} was deleted or renamed meanwhile", "Save again to create it.", None
        ) from None
    if now.revision.id != before.revision.id:
        raise ChangedMeanwhile(
            f"{name} was changed meanwhile by {visible(now.revision.author)}",
            "Save again to put yours in its place, or leave to look at it.",
            now,
        )
    tower.automations.edit(before.name, definition, mode)
