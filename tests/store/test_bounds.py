"""Numbers larger than a database's own: kept where they are data, said where they are ids."""

from collections.abc import Callable

import pytest

from firetower.core.errors import NotFound
from firetower.store.store import Store
from firetower.tower import Tower

HUGE = 2**70


def test_metadata_beyond_64_bits_is_kept_whole(store: Store) -> None:
    tower = Tower(store)
    logged = tower.log("acme/vision/resnet", type="model", empty=True, metadata={"seed": HUGE})
    assert tower.version(logged).version.metadata == {"seed": HUGE}


def test_long_metadata_and_configs_are_read_whole(store: Store) -> None:
    tower, given = Tower(store), {"text": "x" * 20_000}
    tower.log("acme/vision/resnet", type="model", empty=True, metadata=given)
    tower.runs.start("acme/vision", config=given)
    data = [event.as_data() for event in tower.events.newest(10)]
    assert [one.get("metadata", one.get("config")) for one in data] == [given] * 3


@pytest.mark.parametrize("number", [HUGE, -HUGE, 2**63])
@pytest.mark.parametrize(
    "find",
    [
        pytest.param(lambda tower, number: tower.executions.get(number), id="execution"),
        pytest.param(lambda tower, number: tower.executions.redeliver([number]), id="redeliver"),
        pytest.param(lambda tower, number: tower.events.get(number), id="event"),
    ],
)
def test_a_number_that_no_row_can_have_is_not_found(
    store: Store, find: Callable[[Tower, int], object], number: int
) -> None:
    with pytest.raises(NotFound, match=str(number)):
        find(Tower(store), number)


def test_a_limit_beyond_64_bits_is_no_limit(store: Store) -> None:
    tower = Tower(store)
    tower.log("acme/vision/resnet", type="model", empty=True)
    assert len(tower.events.newest(HUGE)) == 2
    assert next(tower.events.follow(HUGE, wait=0.01)) == []
    assert tower.executions.newest(HUGE) == []
    assert not tower.executions.page(HUGE, before_id=HUGE).entries
