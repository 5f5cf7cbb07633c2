"""The command that an automation is copied as: it makes the same automation."""

import shlex
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.builders import NOON, allowed_events, make_definition, make_revision
from core.strategies import filters
from core.test_drafts import (
    ACTIONS,
    FILTERS,
    SCOPES,
    WITHOUT_METRIC,
    cooldowns,
    known_fields,
    regexes,
)
from firetower.cli.automation import create
from firetower.cli.automation_options import new_draft
from firetower.core.automations import Automation, Definition, Mode
from firetower.core.commands import create_command
from firetower.core.drafts import read_draft
from firetower.core.errors import InvalidInput
from firetower.core.events import EventType
from firetower.core.filters import ANY, Filter, regex_filter
from firetower.core.references import ContainerReference
from firetower.core.runs import REPORTED_STATES, RunState, StateCondition
from firetower.core.scopes import ContainerScope, Scope

PLACES: list[Scope] = [
    *SCOPES,
    ContainerScope(container=ContainerReference.entity_named("acme")),
    ContainerScope(container=ContainerReference.organization()),
]


def automation(definition: Definition, mode: Mode = Mode.ENABLED) -> Automation:
    revision = make_revision(definition, mode=mode)
    return Automation(id=1, name=definition.name, revision=revision, created_at=NOON)


def read_back(command: str) -> tuple[Definition, Mode]:
    """Return what the command line makes of a command."""
    program, group, verb, *arguments = shlex.split(command)
    assert (program, group, verb) == ("firetower", "automation", "create")
    options: dict[str, Any] = create.make_context("create", arguments).params
    name, shadow, disabled = (options.pop(one) for one in ("name", "shadow", "disabled"))
    mode = Mode.SHADOW if shadow else Mode.DISABLED if disabled else Mode.ENABLED
    return read_draft(new_draft(name, options)).checked(), mode


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
names = st.sampled_from(["n", "-n", "--shadow", "two words", "it's", '"$HOME"', "é"])


@given(
    name=names,
    scope=st.sampled_from(PLACES),
    type_=st.sampled_from(WITHOUT_METRIC),
    alias=regexes,
    tag=regexes,
    other=st.none() | filters,
    action=st.sampled_from(ACTIONS),
    cooldown=cooldowns,
    states=st.lists(st.sampled_from(REPORTED_STATES), min_size=1, unique=True),
    description=texts,
    mode=st.sampled_from([Mode.ENABLED, Mode.SHADOW, Mode.DISABLED]),
)
def test_copied_command_makes_the_same_automation(
    name: str,
    scope: Scope,
    type_: EventType,
    alias: str | None,
    tag: str | None,
    other: dict[str, Any] | None,
    action: Any,
    cooldown: timedelta | None,
    states: list[RunState],
    description: str,
    mode: Mode,
) -> None:
    kind = scope.container.kind
    type_ = type_ if type_ in allowed_events(kind) else allowed_events(kind)[0]
    if not isinstance(scope, ContainerScope) and "run" in type_.spec.carries:
        type_ = EventType.ADD_ARTIFACT_ALIAS
    is_of_state = type_ is EventType.RUN_STATE
    carries = type_.spec.carries
    filter_ = regex_filter(
        alias if "alias" in carries else None,
        tag if "tag" in carries else None,
        None if other is None else Filter.of(other),
        run_name=tag if "run" in carries else None,
    )
    definition = Definition(
        name=name,
        description=description,
        scope=scope,
        event_type=type_,
        filter=filter_,
        condition=StateCondition(states=tuple(states)) if is_of_state else None,
        action=action,
        cooldown=cooldown,
    )
    try:
        definition.filter.check_event_type(type_)
    except InvalidInput:
        definition = definition.model_copy(update={"filter": ANY})
    assert read_back(create_command(automation(definition, mode))) == (definition, mode)


@pytest.mark.parametrize("source", FILTERS, ids=str)
def test_copied_command_keeps_the_filter(source: dict[str, Any]) -> None:
    definition = make_definition(filter_=known_fields(source))
    assert read_back(create_command(automation(definition)))[0] == definition
