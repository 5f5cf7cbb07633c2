"""The team of the demo as a process beside the app: `python -m firetower.demo FOLDER SPEED SEED`.

It ends when its standard input closes.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

from firetower.demo.endpoints import serve
from firetower.demo.history import fill
from firetower.demo.session import BEGUN, FILLED, database_in, team


def main(folder: Path, speed: float, seed: int) -> None:
    """Write four months of history in pieces, and let the team continue it."""
    url = database_in(folder)
    with serve() as receiver_url:
        fill(
            url,
            now=datetime.now(UTC),
            seed=seed,
            receiver_url=receiver_url,
            begun=(folder / BEGUN).touch,
        )
        (folder / FILLED).touch()
        with team(url, speed, seed):
            sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
