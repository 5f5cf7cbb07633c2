"""How often, how long and when faults strike."""

import random
from collections.abc import Callable

import pytest

Count = Callable[..., None]

SQLITE_IN_SHORT = pytest.mark.parametrize(
    "database_url",
    ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)],
    indirect=True,
)
POSTGRESQL_IN_SHORT = pytest.mark.parametrize(
    "database_url",
    [pytest.param("sqlite", marks=pytest.mark.slow), "postgresql"],
    indirect=True,
)
"""On both databases in the long form."""


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """The test's own randomness: the same for the same seed, whatever else runs."""
    return random.Random(f"{request.config.option.seed} {request.node.name}")


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    """How many times as much as in the short form."""
    return 8 if request.config.option.long else 1


@pytest.fixture
def count(record_property: Callable[[str, object], None]) -> Count:
    """Take down what is summed up at the end, as `kills=3`."""

    def take_down(**counts: int) -> None:
        for what, number in counts.items():
            record_property(what.replace("_", " "), number)

    return take_down
