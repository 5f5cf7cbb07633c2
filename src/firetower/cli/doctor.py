"""`firetower doctor`."""

import os
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import click

from firetower.cli.connect import database_url, read_only
from firetower.cli.options import json_option
from firetower.cli.output import print_json
from firetower.core.health import Check, Health
from firetower.core.text import and_list, bounded, visible

_SIGNS = {Health.OK: "✓", Health.WARN: "!", Health.FAIL: "✗"}


@click.command()
@json_option
@click.pass_context
def doctor(ctx: click.Context, *, as_json: bool) -> None:
    """Check database, key, workers, endpoints, clock and terminal.

    Changes nothing. The exit code is 1 if a check fails; a warning is not a failure.

    Examples:
      firetower doctor
      firetower doctor --json
    """
    from firetower.store.doctor import examine

    examined = examine(database_url(), datetime.now(UTC), read_only=read_only())
    checks = [*examined, *_network(), *_databases_network(examined), *_terminal()]
    for check in checks:
        name, health, message, hint = check.name, check.health, check.said, check.hint
        if as_json:
            result = {"check": name, "health": health.value, "message": message}
            print_json({**result, "hint": hint or None})
            continue
        click.echo(visible(f"{_SIGNS[health]} {health:<4}  {name:<9}  {bounded(message)}"))
        if hint:
            click.echo(visible(f"{'':19}{hint}"))
    ctx.exit(any(check.health is Health.FAIL for check in checks))


def _network() -> Iterator[Check]:
    """Check what the environment says about requests."""
    from firetower.delivery.environment import certificate_problem, describe_proxies

    yield Check("proxies", describe_proxies() or "none in the environment")
    if problem := certificate_problem():
        yield Check("TLS", problem.message, problem.hint, Health.WARN)


def _databases_network(examined: list[Check]) -> Iterator[Check]:
    """Check the endpoints' own proxies and CA certificates, and this machine's servers."""
    from firetower.delivery.environment import ca_file_problem
    from firetower.tower import connect

    if not any(check.name == "endpoints" for check in examined):
        return  # the database cannot be used
    with connect(database_url(), read_only=True) as tower:
        found = [endpoint.settings for endpoint in tower.endpoints.list()]
        servers = [one.url for one in tower.status().servers if one.is_here]
    for url in servers:
        if reason := server_problem(url):
            hint = "Look at its output; scripts that use it wait, and try again."
            if "CERTIFICATE" in reason:
                hint = "Set SSL_CERT_FILE, for scripts REQUESTS_CA_BUNDLE too, to its certificate."
            yield Check("servers", f"{url} does not answer: {reason}", hint, Health.WARN)
    if proxied := [f"{one.name} through {one.shown_proxy}" for one in found if one.proxy]:
        yield Check("proxies", and_list(proxied))
    for settings in found:
        if problem := ca_file_problem(f"{settings.kind} {settings.name}", settings.ca_file):
            yield Check("TLS", problem.message, problem.hint, Health.WARN)


def server_problem(url: str) -> str | None:
    """Return why a server of this machine does not say within 3 seconds that it is well."""
    from http.client import HTTPException
    from urllib.request import ProxyHandler, build_opener

    opener = build_opener(ProxyHandler({}))  # it is here: no proxy leads to it
    try:
        with opener.open(f"{url}/healthz", timeout=3):
            return None
    except (OSError, HTTPException) as error:
        return str(getattr(error, "reason", None) or error)


def _terminal() -> Iterator[Check]:
    """Check the terminal that the app would draw on."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield Check("terminal", "none; only the app needs one")
        return
    encoding = sys.stdout.encoding or "unknown"
    if encoding.lower() in {"utf-8", "utf8"}:
        yield Check("encoding", "UTF-8")
    else:
        yield Check("encoding", encoding, "Set LANG=C.UTF-8.", Health.WARN)
    columns, lines = shutil.get_terminal_size()
    size = f"{columns} × {lines}"
    if columns < 80 or lines < 24:
        yield Check("size", size, "Make it 80 × 24 or larger.", Health.WARN)
    else:
        yield Check("size", size)
    yield _colours()
    yield _clipboard()


def _clipboard() -> Check:
    if os.environ.get("TMUX"):
        hint = "To copy from the app, write `set -g set-clipboard on` in ~/.tmux.conf."
        return Check("clipboard", "tmux blocks it (OSC 52) by default", hint, Health.WARN)
    if os.environ.get("STY"):
        return Check("clipboard", "GNU screen blocks it (OSC 52)", "Use tmux to copy.", Health.WARN)
    over = " over SSH" if os.environ.get("SSH_CONNECTION") else ""
    return Check("clipboard", f"OSC 52{over}, if the terminal supports it")


def _colours() -> Check:
    if "NO_COLOR" in os.environ:
        return Check("colours", "none, because NO_COLOR is set")
    if os.environ.get("COLORTERM") in {"truecolor", "24bit"}:
        return Check("colours", "16 million")
    term = os.environ.get("TERM", "")
    if "256color" in term:
        return Check("colours", "256")
    hint = 'Set theme = "ansi" in the config file.'
    return Check("colours", f"16 or fewer (TERM={term})", hint, Health.WARN)
