"""`firetower webhook` and `firetower slack`."""

import click

from firetower.cli.asking import ask_to_delete, yes_option
from firetower.cli.help import help_text
from firetower.cli.output import (
    clock,
    date,
    endpoint_data,
    json_option,
    print_fields,
    print_json,
    print_rows,
    say,
)
from firetower.cli.session import open_tower
from firetower.core.automations import duration, parse_duration
from firetower.core.endpoints import (
    Endpoint,
    EndpointKind,
    EndpointSettings,
    SignatureEncoding,
    parse_schedule,
)
from firetower.core.errors import FiretowerError
from firetower.core.text import counted

_TIMEOUT = click.option("--timeout", default="10s", show_default=True, metavar="SPAN")
_IN_FLIGHT = click.option(
    "--max-in-flight",
    type=int,
    default=16,
    show_default=True,
    metavar="N",
    help="Requests one worker has open at a time.",
)
_SCHEDULE = click.option(
    "--retry-schedule",
    metavar='"5s,5m"',
    help='The waits after each failed try; "" never tries again. '
    "5s, 5m, 30m, 2h, 5h, 10h, 14h, 20h, 24h unless given.",
)


def _settings(
    settings: EndpointSettings, timeout: str, max_in_flight: int, schedule: str | None
) -> EndpointSettings:
    """Return the settings with what both kinds take. Raises InvalidInput."""
    update = {"timeout": parse_duration(timeout), "max_in_flight": max_in_flight}
    if schedule is not None:
        update["schedule"] = parse_schedule(schedule)
    return settings.model_copy(update=update)


def _create(settings: EndpointSettings) -> None:
    with open_tower() as tower:
        tower.endpoints.create(settings)
    say(f"Made {settings.kind} {settings.name}.")


@click.group()
def webhook() -> None:
    """Name the endpoints that automations POST to.

    \b
    Examples:
      firetower webhook create ci https://ci.example.com/hook --signing-secret CI_KEY
      firetower webhook test ci
    """


@webhook.command("create")
@click.argument("name")
@click.argument("url")
@click.option("--access-token", metavar="SECRET", help="Sent as a bearer token.")
@click.option("--signing-secret", metavar="SECRET", help="Signs the request.")
@click.option(
    "--signature-encoding",
    type=click.Choice([encoding.value for encoding in SignatureEncoding]),
    default=SignatureEncoding.BASE64.value,
    show_default=True,
    help="Of X-Wandb-Signature.",
)
@_TIMEOUT
@_IN_FLIGHT
@_SCHEDULE
def create_webhook(
    *,
    name: str,
    url: str,
    access_token: str | None,
    signing_secret: str | None,
    signature_encoding: str,
    timeout: str,
    max_in_flight: int,
    retry_schedule: str | None,
) -> None:
    """Name an endpoint; its secrets are given by their names.

    \b
    Examples:
      firetower webhook create ci https://ci.example.com/hook --access-token CI_TOKEN
      firetower webhook create ci http://localhost:8000/ --timeout 3s --retry-schedule "5s,5m"
    """
    settings = EndpointSettings(
        name=name,
        kind=EndpointKind.WEBHOOK,
        url=url,
        access_token_secret=access_token,
        signing_secret=signing_secret,
        signature_encoding=SignatureEncoding(signature_encoding),
    )
    _create(_settings(settings, timeout, max_in_flight, retry_schedule))


@click.group()
def slack() -> None:
    """Name the Slack channels that automations post to.

    \b
    Examples:
      firetower secret set TEAM_ML_URL
      firetower slack create team-ml --url-secret TEAM_ML_URL
    """


@slack.command("create")
@click.argument("name")
@click.option(
    "--url-secret", required=True, metavar="SECRET", help="Holds the incoming webhook's URL."
)
@_TIMEOUT
@_IN_FLIGHT
@_SCHEDULE
def create_slack(
    *, name: str, url_secret: str, timeout: str, max_in_flight: int, retry_schedule: str | None
) -> None:
    """Name a Slack channel by the secret that holds its incoming webhook's URL.

    \b
    Examples:
      firetower slack create team-ml --url-secret TEAM_ML_URL
    """
    settings = EndpointSettings(name=name, kind=EndpointKind.SLACK, url_secret=url_secret)
    _create(_settings(settings, timeout, max_in_flight, retry_schedule))


_name = click.argument("name")


def _add_looking(group: click.Group, kind: EndpointKind, example: str) -> None:
    """Add the commands of both kinds that show something."""

    @group.command("list", help=help_text(f"List every {kind}.", f"{kind} list --json"))
    @json_option
    def list_(*, as_json: bool) -> None:
        with open_tower() as tower:
            found = tower.endpoints.list(kind)
        if as_json:
            for one in found:
                print_json(endpoint_data(one))
            return
        print_rows(
            (kind.value, "target", "state"),
            [(one.name, one.target, _state(one)) for one in found],
            f"None yet: make one with `firetower {kind} create`.",
        )

    @group.command(
        help=help_text(f"Show a {kind}, who uses it and what it missed.", f"{kind} show {example}")
    )
    @_name
    @json_option
    def show(*, name: str, as_json: bool) -> None:
        with open_tower() as tower:
            detail = tower.endpoints.get(name, kind)
        data = endpoint_data(detail.endpoint)
        more = {"waiting": detail.waiting, "missed": detail.missed}
        if as_json:
            print_json({**data, "automations": list(detail.automations), **more})
            return
        settings = detail.endpoint.settings
        print_fields(
            [
                (kind.value, settings.name),
                ("target", detail.endpoint.target),
                ("state", _state(detail.endpoint)),
                ("access token", settings.access_token_secret),
                ("signing secret", settings.signing_secret),
                ("signature", settings.signature_encoding if settings.signing_secret else ""),
                ("retries after", ", ".join(map(duration, settings.schedule)) or "never"),
                ("timeout", duration(settings.timeout)),
                ("in flight", settings.max_in_flight),
                ("created", date(detail.endpoint.created_at)),
                ("automations", ", ".join(detail.automations)),
                *more.items(),
            ]
        )


def _add_doing(group: click.Group, kind: EndpointKind, example: str) -> None:
    """Add the commands of both kinds that do something."""

    @group.command(
        help=help_text("Send a test request; say what came back.", f"{kind} test {example}")
    )
    @_name
    @json_option
    def test(*, name: str, as_json: bool) -> None:
        with open_tower() as tower:
            tested = tower.endpoints.test(name, kind)
        answer = tested.answer
        if as_json:
            print_json(
                {
                    kind.value: name,
                    "succeeded": answer.succeeded,
                    "status_code": answer.status_code,
                    "error": answer.error,
                    "duration_ms": round(tested.duration_ms, 1),
                    "response_body": answer.body,
                }
            )
        if not answer.succeeded:
            raise FiretowerError(
                f"{kind} {name} did not take the test: {answer.words}",
                "Check its URL, its secrets, and the receiver's own log.",
            )
        if not as_json:
            click.echo(f"✓ {answer.words}")

    @group.command(help=help_text(f"Send to a {kind} again, at once.", f"{kind} enable {example}"))
    @_name
    def enable(*, name: str) -> None:
        with open_tower() as tower:
            detail = tower.endpoints.enable(name, kind)
        say(f"Enabled {kind} {name}.")
        if detail.missed:
            missed = counted(detail.missed, "execution")
            say(f"It missed {missed}: send them again with `firetower redeliver`.")

    @group.command(help=help_text(f"Stop sending to a {kind}.", f"{kind} disable {example}"))
    @_name
    def disable(*, name: str) -> None:
        with open_tower() as tower:
            tower.endpoints.disable(name, kind)
        say(f"Disabled {kind} {name}.")

    @group.command(
        help=help_text(f"Delete a {kind} that no automation uses.", f"{kind} delete {example}")
    )
    @_name
    @yes_option
    def delete(*, name: str, yes: bool) -> None:
        with open_tower() as tower:
            tower.endpoints.get(name, kind)
            ask_to_delete(f"{kind} {name}", yes=yes)
            tower.endpoints.delete(name, kind)
        say(f"Deleted {kind} {name}.")


def _state(endpoint: Endpoint) -> str:
    circuit = endpoint.circuit
    if endpoint.enabled and circuit is not None:
        return (
            f"circuit open: {circuit.reason}, {counted(circuit.failures, 'failure')} in a row, "
            f"next try {clock(circuit.probe_at)}"
        )
    if endpoint.enabled:
        return "enabled"
    return f"disabled {date(endpoint.disabled_at)}: {endpoint.disabled_reason}"


_add_looking(webhook, EndpointKind.WEBHOOK, "ci")
_add_doing(webhook, EndpointKind.WEBHOOK, "ci")
_add_looking(slack, EndpointKind.SLACK, "team-ml")
_add_doing(slack, EndpointKind.SLACK, "team-ml")

COMMANDS: dict[str, click.Command] = {"webhook": webhook, "slack": slack}
