"""The automations of the demo, read from `automations.toml`."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from firetower.core.actions import ActionType
from firetower.core.automations import Definition, Mode
from firetower.core.drafts import Draft, read_draft
from firetower.core.references import ContainerReference

_DRAFTS = TypeAdapter(Draft)


@dataclass(frozen=True, slots=True)
class SavedAutomation:
    """A definition with its author and its age."""

    days_ago: int
    author: str
    definition: Definition
    mode: Mode


@cache
def read_automations() -> tuple[SavedAutomation, ...]:
    """Return the automations, the oldest first; a second one of a name is an edit of the first."""
    entries = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))["automation"]
    return tuple(read_automation(**entry) for entry in entries)


def read_automation(
    days_ago: int,
    author: str,
    *,
    registry: str = "",
    project: str = "",
    webhook: str = "",
    slack: str = "",
    **fields: object,
) -> SavedAutomation:
    """Read an automation of a registry or a project; `fields` are those of its draft."""
    container = ContainerReference.registry if registry else ContainerReference.project
    action = ActionType.NOTIFICATION if slack else ActionType.NO_OP
    fields |= {
        "container": container(registry or project),
        "whole": fields.keys().isdisjoint({"collection", "pattern", "artifact_type"}),
        "action": ActionType.GENERIC_WEBHOOK if webhook else action,
        "endpoint": webhook or slack,
    }
    draft = _DRAFTS.validate_python(fields)
    return SavedAutomation(days_ago, author, read_draft(draft).checked(), draft.mode)
