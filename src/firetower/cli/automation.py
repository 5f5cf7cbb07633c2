"""`firetower automation`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from firetower.cli.automation_options import automation_options, edited_draft, new_draft
from firetower.cli.connect import open_tower
from firetower.cli.options import ask_to_delete, json_option, yes_option
from firetower.cli.output import date, print_fields, print_json, print_rows, say
from firetower.core.automations import Automation, Mode, Revision, with_changes
from firetower.core.drafts import read_draft
from firetower.core.json import dump
from firetower.core.text import instant, shell_word, visible
from firetower.core.times import duration

if TYPE_CHECKING:
    from firetower.core.endpoints import EndpointDetail


@click.group()
def automation() -> None:
    """Create, edit and list automations.

    Examples:
      firetower automation create deploy --registry models --event ADD_ARTIFACT_ALIAS \\
          --alias-regex '^production$' --webhook ci
      firetower automation list
    """


@automation.command()
@click.argument("name")
@automation_options
@click.option("--shadow", is_flag=True, help="Evaluate, render and record, but send nothing.")
@click.option("--disabled", is_flag=True, help="Create it disabled.")
def create(*, name: str, shadow: bool, disabled: bool, **options: Any) -> None:
    """Create an automation, for the events recorded from now on.

    Examples:
      firetower automation create deploy --registry models --event ADD_ARTIFACT_ALIAS \\
          --alias-regex '^production$' --webhook ci --payload @payload.json
      firetower automation create notify --project acme/vision --collections 'resnet-*' \\
          --event CREATE_ARTIFACT --slack team-ml --cooldown 10m
      firetower automation create watch --registry models --event LINK_ARTIFACT --no-op
    """
    if shadow and disabled:
        raise click.UsageError("Give either --shadow or --disabled.")
    mode = Mode.SHADOW if shadow else Mode.DISABLED if disabled else Mode.ENABLED
    definition = read_draft(new_draft(name, options)).checked()
    with open_tower() as tower:
        made = tower.automations.create(definition, mode)
        others = tower.automations.overlapping(definition, exclude=name)
    say(_summary(made))
    _warn_of_overlap(made, others)


@automation.command()
@click.argument("name")
@click.option("--name", "new_name", metavar="NEW", help="New name.")
@automation_options
def edit(*, name: str, new_name: str | None, **options: Any) -> None:
    """Change the parts of an automation that are given.

    --alias-regex, --tag-regex and --filter together replace the filter. --cooldown none removes
    the cooldown.

    Examples:
      firetower automation edit deploy --alias-regex '^prod'
      firetower automation edit deploy --payload @payload.json --cooldown none
    """
    if {new_name, *options.values()} <= {None, False}:
        raise click.UsageError("Give at least one option to change.")
    with open_tower() as tower:
        draft = edited_draft(tower.automations.get(name), {**options, "name": new_name})
        changed = tower.automations.edit(name, read_draft(draft).checked())
        others = tower.automations.overlapping(changed.definition, exclude=changed.name)
    say(_summary(changed))
    _warn_of_overlap(changed, others)


def _warn_of_overlap(automation: Automation, others: Sequence[str]) -> None:
    for other in others:
        to = automation.definition.action.endpoint
        say(f"Note: {visible(other)} may send the same event to {to} too.")


def _summary(automation: Automation) -> str:
    mode = "" if automation.mode is Mode.ENABLED else f" ({automation.mode})"
    return f"{automation.name}{mode}: {automation.definition.sentence}"


@automation.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List the automations.

    Examples:
      firetower automation list
      firetower automation list --json
    """
    with open_tower() as tower:
        found = tower.automations.list()
        stopped = {one.endpoint.name: one for one in tower.endpoints.stopped()}
    pairs = [(one, stopped.get(one.definition.action.endpoint or "")) for one in found]
    if as_json:
        print_json(*(_data(*pair) for pair in pairs))
        return
    print_rows(
        ("automation", "mode", "event", "where", "scope", "if", "action", "last fired", "24 h"),
        [_row(*pair) for pair in pairs],
        "No automations yet: create one with `firetower automation create`.",
    )


def _data(automation: Automation, detail: "EndpointDetail | None") -> dict[str, Any]:
    """Return an automation and the state of its endpoint; `detail` is None where it is ok."""
    fired = automation.last_fired_at
    state = "ok" if detail is None else detail.endpoint.state.value
    return {
        **_revision_data(automation.revision),
        "created_at": instant(automation.created_at),
        "last_fired_at": None if fired is None else instant(fired),
        "fired_24h": automation.fired_24h,
        "shadow_24h": automation.shadow_24h,
        "endpoint_state": None if automation.definition.action.endpoint is None else state,
        "endpoint_detail": None if detail is None else detail.describe(date) or None,
    }


def _revision_data(revision: Revision) -> dict[str, Any]:
    definition = revision.definition
    condition = definition.condition
    return {
        "revision": revision.number,
        "automation": definition.name,
        "mode": revision.mode.value,
        "saved_at": instant(revision.saved_at),
        "author": revision.author,
        "sentence": definition.sentence,
        "description": definition.description,
        "scope": definition.scope.model_dump(mode="json"),
        "event_type": definition.event_type.value,
        "filter": definition.filter.as_wandb(),
        "condition": None if condition is None else condition.model_dump(mode="json"),
        "action": definition.action.model_dump(mode="json"),
        "cooldown": None if definition.cooldown is None else duration(definition.cooldown),
    }


def _row(automation: Automation, detail: "EndpointDetail | None") -> tuple[object, ...]:
    definition, action = automation.definition, automation.definition.action.phrase
    if detail is not None:
        action = f"{action}: {detail.summary}"
    return (
        automation.name,
        automation.mode,
        definition.label,
        definition.scope.container,
        definition.scope.label,
        definition.filter.words,
        action,
        date(automation.last_fired_at),
        automation.fired_words or "0",
    )


@automation.command()
@click.argument("name")
@click.option("--revisions", is_flag=True, help="Show every revision, the newest first.")
@json_option
def show(*, name: str, revisions: bool, as_json: bool) -> None:
    """Show an automation, or what each of its revisions changed.

    Examples:
      firetower automation show deploy
      firetower automation show deploy --revisions
    """
    with open_tower() as tower:
        found = tower.automations.get(name)
        history = list(tower.automations.revisions(name)) if revisions else []
        endpoint = found.definition.action.endpoint
        detail = tower.endpoints.get(endpoint) if endpoint else None
    if revisions:
        _print_revisions(history, as_json=as_json)
    elif as_json:
        print_json(_data(found, detail))
    else:
        _print_automation(found, detail.describe(date) if detail else "")


def _print_revisions(history: list[Revision], *, as_json: bool) -> None:
    changed = with_changes(history)
    if as_json:
        print_json(*({**_revision_data(one), "changes": changes} for one, changes in changed))
        return
    print_rows(
        ("revision", "saved", "author", "what changed"),
        [(one.number, date(one.saved_at), one.author, "; ".join(said)) for one, said in changed],
        "",
    )


@automation.command()
@click.argument("name")
@click.argument("number", metavar="REVISION", type=click.IntRange(1))
def restore(*, name: str, number: int) -> None:
    """Restore an earlier revision as the newest one; the mode stays.

    Examples:
      firetower automation show deploy --revisions
      firetower automation restore deploy 3
    """
    with open_tower() as tower:
        say(_summary(tower.automations.restore(name, number)))


def _print_automation(found: Automation, endpoint_state: str) -> None:
    definition, revision = found.definition, found.revision
    action = definition.action.model_dump(mode="json", exclude_none=True)
    print_fields(
        [
            ("automation", found.name),
            ("does", definition.sentence),
            ("description", definition.description),
            ("mode", found.mode),
            ("event", definition.event_type),
            ("waits for", definition.condition.words if definition.condition else ""),
            ("filter", "" if (of := definition.filter).words == "any" else dump(of.as_wandb())),
            ("action", action.pop("type")),
            *action.items(),
            ("endpoint", endpoint_state),
            ("cooldown", definition.pace and duration(definition.pace)),
            ("revision", f"{revision.number}, {date(revision.saved_at)} by {revision.author}"),
            ("last fired", date(found.last_fired_at)),
            ("in 24 h", found.fired_24h),
            ("in shadow, 24 h", found.shadow_24h or ""),
        ]
    )


@automation.command()
@click.argument("name")
def enable(*, name: str) -> None:
    """Enable an automation, for the events recorded from now on.

    Examples:
      firetower automation enable deploy
    """
    _set_mode(name, Mode.ENABLED)


@automation.command()
@click.argument("name")
def disable(*, name: str) -> None:
    """Disable an automation.

    Examples:
      firetower automation disable deploy
    """
    _set_mode(name, Mode.DISABLED)


@automation.command()
@click.argument("name")
def shadow(*, name: str) -> None:
    """Put an automation in shadow: it evaluates, renders and records, and sends nothing.

    Examples:
      firetower automation shadow deploy
    """
    _set_mode(name, Mode.SHADOW)


def _set_mode(name: str, mode: Mode) -> None:
    with open_tower() as tower:
        say(_summary(tower.automations.set_mode(name, mode)))


@automation.command()
@click.argument("name")
@yes_option
def delete(*, name: str, yes: bool) -> None:
    """Delete an automation; its executions stay in the history.

    Examples:
      firetower automation delete deploy
    """
    with open_tower() as tower:
        tower.automations.get(name)
        instead = f"`firetower automation disable {shell_word(name)}` stops it and keeps it."
        ask_to_delete(f"automation {name}", yes=yes, instead=instead)
        tower.automations.delete(name)
    back = f"`firetower automation undelete {shell_word(name)}` brings it back."
    say(f"Deleted automation {name}; {back}")


@automation.command()
@click.argument("name")
def undelete(*, name: str) -> None:
    """Bring back the automation of this name that was deleted last, as it was.

    It fires for the events from now on, under its old history and revisions.

    Examples:
      firetower automation undelete deploy
    """
    with open_tower() as tower:
        back = tower.automations.undelete(name)
    say(f"Automation {back.name} is back, {back.mode.value}.")
