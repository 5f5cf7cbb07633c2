"""`firetower serve`."""

from datetime import UTC, datetime
from typing import Any

import click

from firetower.cli.connect import database_url, read_only
from firetower.cli.options import private_targets_option
from firetower.cli.output import print_json, say
from firetower.core.errors import StoreError
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
@click.option("--no-worker", is_flag=True, help="Run no worker beside the server.")
@click.option("--access-log", is_flag=True, help="Print a JSON object for each request.")
@private_targets_option
def serve(*, host: str, port: int, no_worker: bool, access_log: bool) -> None:
    """Answer the W&B SDK: training scripts work unchanged.

    Scripts find the server by WANDB_BASE_URL, and an API key of `firetower token create` in
    WANDB_API_KEY. A worker runs beside the server unless one is alive.

    Examples:
      firetower serve
      firetower serve --port 9000 --access-log
    """
    try:
        from firetower.server.run import run_server
        from firetower.server.settings import ServerSettings
    except ModuleNotFoundError:
        raise StoreError(
            "the server needs a library that is not installed",
            "Run: pip install 'firetower[serve]'",
        ) from None

    def log(facts: dict[str, Any]) -> None:
        print_json({"at": instant(datetime.now(UTC)), **facts})

    run_server(
        database_url(),
        ServerSettings(host, port),
        read_only=read_only(),
        worker=not no_worker,
        report=say,
        log=log if access_log else None,
    )
