"""`firetower automation`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from firetower.cli.asking import ask_to_delete, yes_option
from firetower.cli.automation_options import automation_options, edited_draft, new_draft
from firetower.cli.help import help_text
from firetower.cli.output import (
    automation_data,
    date,
    json_option,
    print_fields,
    print_json,
    print_rows,
    revision_data,
    say,
)
from firetower.cli.session import open_tower
from firetower.core.automations import Automation, Mode, Revision, duration, with_changes
from firetower.core.drafts import read_draft
from firetower.core.json import dump
from firetower.core.text import visible

if TYPE_CHECKING:
    from firetower.tower.endpoints import EndpointDetail


@click.group()
def automation() -> None:
    """Say what fires when.

    \b
    Examples:
      firetower automation create deploy --registry models --event ADD_ARTIFACT_ALIAS \\
          --alias-regex '^production$' --webhook ci
      firetower automation list
    """


@automation.command()
@click.argument("name")
@automation_options
@click.option("--shadow", is_flag=True, help="Evaluate, render and record; send nothing.")
@click.option("--disabled", is_flag=True, help="Save it, and do not let it act yet.")
def create(*, name: str, shadow: bool, disabled: bool, **options: Any) -> None:
    """Save a new automation, for the events recorded from now on.

    \b
    Examples:
      firetower automation create deploy --registry models --event ADD_ARTIFACT_ALIAS \\
          --alias-regex '^production$' --webhook ci --payload @payload.json
      firetower automation create tell-us --project acme/vision --collections 'resnet-*' \\
          --event CREATE_ARTIFACT --slack team-ml --cooldown 10m
      firetower automation create watch --registry models --event LINK_ARTIFACT --no-op
    """
    if shadow and disabled:
        raise click.UsageError("Give either --shadow or --disabled.")
    mode = Mode.SHADOW if shadow else Mode.DISABLED if disabled else Mode.ENABLED
    definition = read_draft(new_draft(name, options)).checked()
    with open_tower() as tower:
        made = tower.automations.create(definition, mode)
        others = tower.automations.overlapping(definition, apart_from=name)
    say(_spoken(made))
    _warn_of_overlap(made, others)


@automation.command()
@click.argument("name")
@click.option("--name", "new_name", metavar="NEW", help="Rename it.")
@automation_options
def edit(*, name: str, new_name: str | None, **options: Any) -> None:
    """Change what is given, and keep the rest; `--cooldown none` takes the cooldown away.

    --alias-regex, --tag-regex and --filter together replace the filter.

    \b
    Examples:
      firetower automation edit deploy --alias-regex '^prod'
      firetower automation edit deploy --payload @payload.json --cooldown none
    """
    with open_tower() as tower:
        draft = edited_draft(tower.automations.get(name), {**options, "name": new_name})
        changed = tower.automations.edit(name, read_draft(draft).checked())
        others = tower.automations.overlapping(changed.definition, apart_from=changed.name)
    say(_spoken(changed))
    _warn_of_overlap(changed, others)


def _warn_of_overlap(automation: Automation, others: Sequence[str]) -> None:
    for other in others:
        to = automation.definition.action.endpoint
        say(f"Mind that {visible(other)} may send the same event to {to} too.")


def _spoken(automation: Automation) -> str:
    """Return what an automation does from now on, in a sentence."""
    mode = "" if automation.mode is Mode.ENABLED else f" ({automation.mode})"
    return f"{automation.name}{mode}: {automation.definition.sentence}"


@automation.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List the automations.

    \b
    Examples:
      firetower automation list
      firetower automation list --json
    """
    with open_tower() as tower:
        found = tower.automations.list()
        silent = {one.endpoint.name: one for one in tower.endpoints.silent()}
    if as_json:
        for one in found:
            endpoint = silent.get(one.definition.action.endpoint or "")
            trouble = None if endpoint is None else endpoint.trouble(date)
            print_json({**automation_data(one), "endpoint_trouble": trouble})
        return
    print_rows(
        ("automation", "mode", "event", "where", "scope", "if", "action", "last fired", "24 h"),
        [_row(one, silent.get(one.definition.action.endpoint or "")) for one in found],
        "No automations yet: make one with `firetower automation create`.",
    )


def _row(automation: Automation, silent: "EndpointDetail | None") -> tuple[object, ...]:
    definition, action = automation.definition, automation.definition.action.phrase
    if silent is not None:
        told = filter(None, (silent.endpoint.silenced, silent.missing))
        action = f"{action}: {', '.join(told)}"
    return (
        automation.name,
        automation.mode,
        definition.event_type.spec.label,
        definition.scope.container,
        definition.scope.label,
        definition.filter.words,
        action,
        date(automation.last_fired_at),
        automation.fired_words or "0",
    )


@automation.command()
@click.argument("name")
@click.option("--revisions", is_flag=True, help="Every revision, the newest first.")
@json_option
def show(*, name: str, revisions: bool, as_json: bool) -> None:
    """Show an automation, or its revisions and what each of them changed.

    \b
    Examples:
      firetower automation show deploy
      firetower automation show deploy --revisions
    """
    with open_tower() as tower:
        found = tower.automations.get(name)
        history = list(tower.automations.revisions(name)) if revisions else []
        endpoint = found.definition.action.endpoint
        trouble = tower.endpoints.get(endpoint).trouble(date) if endpoint else ""
    if revisions:
        _print_revisions(history, as_json=as_json)
    elif as_json:
        print_json({**automation_data(found), "endpoint_trouble": trouble or None})
    else:
        _print_automation(found, trouble)


def _print_revisions(history: list[Revision], *, as_json: bool) -> None:
    told = with_changes(history)
    if as_json:
        for revision, changes in told:
            print_json({**revision_data(revision), "changes": changes})
        return
    print_rows(
        ("revision", "saved", "author", "what changed"),
        [(one.number, date(one.saved_at), one.author, "; ".join(said)) for one, said in told],
        "",
    )


@automation.command()
@click.argument("name")
@click.argument("number", metavar="REVISION", type=click.IntRange(1))
def restore(*, name: str, number: int) -> None:
    """Save an earlier revision again, as the newest; whether it acts stays as it is.

    \b
    Examples:
      firetower automation show deploy --revisions
      firetower automation restore deploy 3
    """
    with open_tower() as tower:
        say(_spoken(tower.automations.restore(name, number)))


def _print_automation(found: Automation, trouble: str) -> None:
    definition, revision = found.definition, found.revision
    action = definition.action.model_dump(mode="json", exclude_none=True)
    print_fields(
        [
            ("automation", found.name),
            ("does", definition.sentence),
            ("description", definition.description),
            ("mode", found.mode),
            ("event", definition.event_type),
            ("filter", dump(definition.filter.as_wandb())),
            ("action", action.pop("type")),
            *action.items(),
            ("endpoint", trouble),
            ("cooldown", definition.cooldown and duration(definition.cooldown)),
            ("revision", f"{revision.number}, {date(revision.saved_at)} by {revision.author}"),
            ("last fired", date(found.last_fired_at)),
            ("in 24 h", found.fired_24h),
            ("in shadow, 24 h", found.shadow_24h or ""),
        ]
    )


def _add_switch(verb: str, mode: Mode, summary: str) -> None:
    @automation.command(verb, help=help_text(summary, f"automation {verb} deploy"))
    @click.argument("name")
    def switch(*, name: str) -> None:
        with open_tower() as tower:
            say(_spoken(tower.automations.set_mode(name, mode)))


_add_switch("enable", Mode.ENABLED, "Let an automation act, for the events from now on.")
_add_switch("disable", Mode.DISABLED, "Stop an automation.")
_add_switch(
    "shadow", Mode.SHADOW, "Let an automation evaluate, render and record, and send nothing."
)


@automation.command()
@click.argument("name")
@yes_option
def delete(*, name: str, yes: bool) -> None:
    """Delete an automation; what it did stays in the history.

    \b
    Examples:
      firetower automation delete deploy
    """
    with open_tower() as tower:
        tower.automations.get(name)
        milder = f"`firetower automation disable {name}` stops it and keeps it."
        ask_to_delete(f"automation {name}", yes=yes, instead=milder)
        tower.automations.delete(name)
    say(f"Deleted automation {name}.")


COMMANDS: dict[str, click.Command] = {"automation": automation}
