"""`firetower serve`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from firetower.cli.connect import database_url, read_only
from firetower.cli.log_stream import as_json, drop_unread
from firetower.cli.options import private_targets_option
from firetower.cli.output import print_json, say
from firetower.core.errors import InvalidInput, StoreError
from firetower.core.text import instant


@click.command()
@click.option("--host", default="127.0.0.1", metavar="ADDRESS", help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8090,
    metavar="N",
    help="Port to listen on; 0 takes any free one.",
)
@click.option(
    "--files",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Keep the files of artifacts in this folder; without it only names, sizes and digests.",
)
@click.option(
    "--tls-cert",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Serve HTTPS with this certificate, a PEM file; needs --tls-key.",
)
@click.option(
    "--tls-key",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The certificate's private key.",
)
@click.option(
    "--insecure",
    is_flag=True,
    help="Listen beyond this machine without TLS, as behind a proxy that adds it.",
)
@click.option(
    "--public-url", metavar="URL", help="How clients reach the server, where a proxy is before it."
)
@click.option("--no-worker", is_flag=True, help="Run no worker beside the server.")
@click.option("--access-log", is_flag=True, help="Print a JSON object for each request.")
@private_targets_option
def serve(
    *,
    tls_cert: Path | None,
    tls_key: Path | None,
    no_worker: bool,
    access_log: bool,
    **options: Any,
) -> None:
    """Answer the W&B SDK: training scripts work unchanged.

    Scripts find the server by WANDB_BASE_URL, and an API key of `firetower token create` in
    WANDB_API_KEY. A worker runs beside the server unless one is alive.

    Examples:
      firetower serve
      firetower serve --port 9000 --access-log
      firetower serve --host 0.0.0.0 --tls-cert tower.pem --tls-key tower.key --files /srv/artifacts
    """
    try:
        from firetower.server.run import run_server
        from firetower.server.settings import ServerSettings
    except ModuleNotFoundError:
        raise StoreError(
            "the server needs a library that is not installed",
            "Run: pip install 'firetower[serve]'",
        ) from None

    if (tls_cert is None) is not (tls_key is None):
        raise InvalidInput("TLS needs a certificate and its key", "Give --tls-cert and --tls-key.")
    tls = None if tls_cert is None or tls_key is None else (tls_cert, tls_key)
    drop_unread(stdout=as_json)
    settings = ServerSettings(tls=tls, **options)
    run_server(
        database_url(),
        settings,
        read_only=read_only(),
        worker=not no_worker,
        report=say,
        log=_print_request if access_log else None,
    )


def _print_request(facts: dict[str, Any]) -> None:
    print_json({"at": instant(datetime.now(UTC)), **facts})
