"""`firetower webhook` and `firetower slack`: the two kinds of endpoints."""

from typing import Any

import click

from firetower.cli.connect import open_tower
from firetower.cli.options import (
    ask_to_delete,
    group_name,
    json_option,
    option_group,
    private_targets_option,
    yes_option,
)
from firetower.cli.output import clock_or_date, date, print_fields, print_json, print_rows, say
from firetower.core.endpoints import (
    Endpoint,
    EndpointKind,
    EndpointSettings,
    SignatureEncoding,
    parse_schedule,
    shown_url,
    whole_path,
)
from firetower.core.errors import FiretowerError
from firetower.core.retry import DEFAULT_SCHEDULE
from firetower.core.statistics import Traffic
from firetower.core.text import agreeing, counted, instant, shell_word
from firetower.core.times import duration, parse_duration

_DEFAULT_WAITS = ",".join(map(duration, DEFAULT_SCHEDULE))
_name = click.argument("name")
# None of these has a default: what is left out is the model's in a new endpoint, and stays in one
# that is edited.
_delivery_options = option_group(
    click.option(
        "--timeout",
        type=parse_duration,
        metavar="SPAN",
        help="Longest time for one request; 10s for a new endpoint.",
    ),
    click.option(
        "--max-in-flight",
        type=int,
        metavar="N",
        help="Most requests that one worker has open at a time; 16 for a new endpoint.",
    ),
    click.option(
        "--retry-schedule",
        "schedule",
        type=parse_schedule,
        metavar='"5s,5m"',
        help=f"Waits after each failed attempt, {_DEFAULT_WAITS} for a new endpoint; "
        '"" never retries.',
    ),
    click.option(
        "--proxy", metavar="URL", help='Proxy for this endpoint alone; "" takes the environment\'s.'
    ),
    click.option(
        "--ca",
        "ca_file",
        metavar="FILE",
        callback=lambda _context, _option, path: path and whole_path(path),
        help='CA certificates for this endpoint alone; "" takes the usual ones.',
    ),
)
_webhook_options = option_group(
    click.option(
        "--access-token",
        "access_token_secret",
        metavar="SECRET",
        help="Secret to send as a bearer token.",
    ),
    click.option("--signing-secret", metavar="SECRET", help="Secret to sign requests with."),
    click.option(
        "--signature-encoding",
        type=click.Choice([encoding.value for encoding in SignatureEncoding]),
        help="Encoding of the header X-Wandb-Signature; base64 for a new endpoint.",
    ),
    _delivery_options,
)


@click.group()
def webhook() -> None:
    """Manage the webhooks that automations POST to.

    Examples:
      firetower webhook create ci https://ci.example.com/hook --signing-secret CI_KEY
      firetower webhook test ci
    """


@click.group()
def slack() -> None:
    """Manage the Slack channels that automations post to.

    Examples:
      firetower secret set TEAM_ML_URL
      firetower slack create team-ml --url-secret TEAM_ML_URL
    """


@webhook.command("create")
@_name
@click.argument("url")
@_webhook_options
def create_webhook(**options: Any) -> None:
    """Create a webhook; its secrets are given by name.

    Examples:
      firetower webhook create ci https://ci.example.com/hook --access-token CI_TOKEN
      firetower webhook create ci http://localhost:8000/ --timeout 3s --retry-schedule "5s,5m"
    """
    _create(EndpointKind.WEBHOOK, options)


@slack.command("create")
@_name
@click.option(
    "--url-secret", required=True, metavar="SECRET", help="Secret with the incoming webhook's URL."
)
@_delivery_options
def create_slack(**options: Any) -> None:
    """Create a Slack channel; a secret holds its incoming webhook's URL.

    Examples:
      firetower slack create team-ml --url-secret TEAM_ML_URL
    """
    _create(EndpointKind.SLACK, options)


def _create(kind: EndpointKind, options: dict[str, Any]) -> None:
    network = {name: options.pop(name) or None for name in ("proxy", "ca_file")}
    settings = EndpointSettings(kind=kind, **_given(options), **network)
    with open_tower() as tower:
        tower.endpoints.create(settings)
    say(f"Created {kind} {settings.name}.")
    _warn(settings)


def _warn(settings: EndpointSettings) -> None:
    """Say what is wrong with its CA file: it is read where the worker runs, maybe elsewhere."""
    from firetower.delivery.environment import ca_file_problem

    if problem := ca_file_problem(f"{settings.kind} {settings.name}", settings.ca_file):
        say(problem.message)
        say(problem.hint)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


@webhook.command("edit")
@_name
@click.option("--url", metavar="URL", help="Where to send from now on.")
@_webhook_options
def edit_webhook(*, name: str, **options: Any) -> None:
    """Change the parts of a webhook that are given.

    What is queued goes there too. "" as a secret's name takes the secret away.

    Examples:
      firetower webhook edit ci --url https://ci.example.com/new-hook
      firetower webhook edit ci --signing-secret "" --timeout 3s
    """
    _edit(EndpointKind.WEBHOOK, name, options)


@slack.command("edit")
@_name
@click.option("--url-secret", metavar="SECRET", help="Secret with the incoming webhook's URL.")
@_delivery_options
def edit_slack(*, name: str, **options: Any) -> None:
    """Change the parts of a Slack channel that are given; what is queued goes there too.

    Examples:
      firetower slack edit team-ml --url-secret NEW_TEAM_URL
    """
    _edit(EndpointKind.SLACK, name, options)


def _edit(kind: EndpointKind, name: str, options: dict[str, Any]) -> None:
    # "" is no secret's name: it takes the secret away. Of the schedule it is () by now.
    given = {key: None if value == "" else value for key, value in _given(options).items()}
    if not given:
        raise click.UsageError("Give at least one option to change.")
    with open_tower() as tower:
        before = tower.endpoints.get(name, kind)
        settings = before.endpoint.settings.model_copy(update=given)
        after = tower.endpoints.edit(name, EndpointSettings.model_validate(dict(settings)))
    say(f"Changed {kind} {name}.")
    _warn(after.settings)
    if before.queued:
        say(f"{counted(before.queued, 'execution')} in its queue will be sent there.")
    if not after.enabled:
        say(f"It is disabled: `firetower {kind} enable {shell_word(name)}` sends to it again.")


@click.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List the endpoints of a kind.

    Examples:
      firetower webhook list
      firetower slack list --json
    """
    kind = EndpointKind(group_name())
    with open_tower() as tower:
        found = tower.endpoints.list(kind)
        traffic = tower.endpoints.traffic() if as_json else {}
    if as_json:
        print_json(*(_endpoint_data(one, traffic.get(one.name, Traffic())) for one in found))
        return
    print_rows(
        (kind.value, "target", "state"),
        [(one.name, one.target, one.describe(clock_or_date)) for one in found],
        f"None yet: create one with `firetower {kind} create`.",
    )


def _endpoint_data(endpoint: Endpoint, traffic: Traffic) -> dict[str, Any]:
    settings, off = endpoint.settings, endpoint.disabled_at
    return {
        settings.kind.value: settings.name,
        "url": None if settings.url is None else shown_url(settings.url),
        "url_secret": settings.url_secret,
        "access_token_secret": settings.access_token_secret,
        "signing_secret": settings.signing_secret,
        "signature_encoding": settings.signature_encoding.value,
        "retry_schedule": [duration(wait) for wait in settings.schedule],
        "timeout": duration(settings.timeout),
        "max_in_flight": settings.max_in_flight,
        "proxy": settings.shown_proxy,
        "ca_file": settings.ca_file,
        "created_at": instant(endpoint.created_at),
        "state": endpoint.state.value,
        "enabled": endpoint.enabled,
        "disabled_at": None if off is None else instant(off),
        "disabled_reason": endpoint.disabled_reason,
        "circuit": None if endpoint.circuit is None else endpoint.circuit.as_data(),
        **traffic.as_data(),
    }


@click.command()
@_name
@json_option
def show(*, name: str, as_json: bool) -> None:
    """Show an endpoint, its automations and its queue.

    Examples:
      firetower webhook show ci
      firetower slack show team-ml --json
    """
    kind = EndpointKind(group_name())
    with open_tower() as tower:
        detail = tower.endpoints.get(name, kind)
        traffic = tower.endpoints.traffic().get(name, Traffic())
    counts = {"queued": detail.queued, "missed": detail.missed}
    if as_json:
        data = _endpoint_data(detail.endpoint, traffic)
        print_json({**data, "automations": list(detail.automations), **counts})
        return
    settings = detail.endpoint.settings
    print_fields(
        [
            (kind.value, settings.name),
            ("target", detail.endpoint.target),
            ("state", detail.endpoint.describe(clock_or_date)),
            ("access token", settings.access_token_secret),
            ("signing secret", settings.signing_secret),
            ("signature", settings.signature_encoding if settings.signing_secret else ""),
            ("retries after", ", ".join(map(duration, settings.schedule)) or "never"),
            ("timeout", duration(settings.timeout)),
            ("in flight", settings.max_in_flight),
            ("proxy", settings.shown_proxy),
            ("CA file", settings.ca_file),
            ("sent in 24 h", _sent_words(traffic)),
            ("created", date(detail.endpoint.created_at)),
            ("automations", ", ".join(detail.automations)),
            *counts.items(),
        ]
    )


def _sent_words(traffic: Traffic) -> str:
    if not traffic.sent:
        return ""
    p50, p95 = f"{traffic.p50_ms:,.0f} ms", f"{traffic.p95_ms:,.0f} ms"
    return f"{traffic.sent:,}, {traffic.success_words} accepted, p50 {p50}, p95 {p95}"


@click.command()
@_name
@private_targets_option
@json_option
def test(*, name: str, as_json: bool) -> None:
    """Send a test request and print the answer.

    Examples:
      firetower webhook test ci
      firetower slack test team-ml --json
    """
    from firetower.delivery.environment import certificate_problem

    kind = EndpointKind(group_name())
    if problem := certificate_problem():
        say(problem.message)
        say(problem.hint)
    with open_tower() as tower:
        tested = tower.endpoints.test(name, kind)
    answer = tested.answer
    if tested.proxy and not as_json:
        say(f"Sent through the proxy {tested.proxy}.")
    if as_json:
        print_json(
            {
                kind.value: name,
                "succeeded": answer.succeeded,
                "status_code": answer.status_code,
                "error": answer.error,
                "duration_ms": round(tested.duration_ms, 1),
                "response_body": answer.body,
                "proxy": tested.proxy,
            }
        )
    if not answer.succeeded:
        raise FiretowerError(
            f"{kind} {name} did not take the test: {answer.words}",
            "Check its URL, its secrets, and the receiver's own log.",
        )
    if not as_json:
        click.echo(f"✓ {answer.words}")


@click.command()
@_name
def enable(*, name: str) -> None:
    """Send to an endpoint again, and close its circuit.

    Examples:
      firetower webhook enable ci
      firetower slack enable team-ml
    """
    kind = EndpointKind(group_name())
    with open_tower() as tower:
        detail = tower.endpoints.enable(name, kind)
    say(f"Enabled {kind} {name}.")
    if detail.missed:
        missed = counted(detail.missed, "execution")
        say(f"It missed {missed}: send them again with `firetower redeliver`.")


@click.command()
@_name
def disable(*, name: str) -> None:
    """Stop sending to an endpoint; its executions are skipped.

    Examples:
      firetower webhook disable ci
      firetower slack disable team-ml
    """
    kind = EndpointKind(group_name())
    with open_tower() as tower:
        tower.endpoints.disable(name, kind)
    say(f"Disabled {kind} {name}.")


@click.command()
@_name
@yes_option
def delete(*, name: str, yes: bool) -> None:
    """Delete an endpoint that no automation uses.

    Examples:
      firetower webhook delete ci
      firetower slack delete team-ml
    """
    kind = EndpointKind(group_name())
    with open_tower() as tower:
        queued = tower.endpoints.get(name, kind).queued
        waiting = f"{counted(queued, 'execution')} in its queue" if queued else ""
        will_skip = f"{waiting} will be skipped." if queued else ""
        ask_to_delete(f"{kind} {name}", yes=yes, instead=will_skip)
        tower.endpoints.delete(name, kind)
    say(f"Deleted {kind} {name}.")
    if queued:
        say(f"{waiting} {agreeing(queued, 'are')} skipped.")


for _command in (list_, show, test, enable, disable, delete):
    webhook.add_command(_command)
    slack.add_command(_command)
