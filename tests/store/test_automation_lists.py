"""How often automations fired, counted on without reading the history again."""

from datetime import timedelta

import pytest

from firetower.core.actions import NoAction
from firetower.core.automations import Definition, Mode
from firetower.core.events import EventType
from firetower.core.references import ContainerReference
from firetower.core.scopes import ContainerScope
from firetower.store.queue.automation_cache import AutomationCache
from firetower.store.queue.evaluate import evaluate
from firetower.store.store import Store, utc_now
from firetower.tower import Tower

HOUR = timedelta(hours=1)


class Ledger:
    """A database whose clock the test moves, with one automation in each mode."""

    def __init__(self, store: Store) -> None:
        self.store, self.tower, self.now = store, Tower(store), utc_now()
        store.clock = lambda: self.now
        self._cache = AutomationCache()
        self._fired = 0
        self.tower.create_registry("models")
        self.tower.link(
            self.tower.log("acme/vision/resnet", type="model", empty=True), "models/resnet"
        )
        for name, mode in (("on", Mode.ENABLED), ("shadow", Mode.SHADOW)):
            definition = Definition(
                name=name,
                scope=ContainerScope(container=ContainerReference.registry("models")),
                event_type=EventType.ADD_ARTIFACT_ALIAS,
                action=NoAction(),
            )
            self.tower.automations.create(definition, mode)

    def fire(self, count: int) -> None:
        aliases = [f"a{self._fired + number}" for number in range(count)]
        self._fired += count
        self.tower.add_alias("models/resnet:v0", *aliases)
        with self.store.changing() as change:
            self._cache.refresh(change)
            evaluate(change, self._cache, 1_000)

    def counts(self) -> dict[str, int]:
        listed = {one.name: one for one in self.tower.automations.list()}
        for name, one in listed.items():
            alone = self.tower.automations.get(name)
            assert (one.fired_24h, one.last_fired_at) == (alone.fired_24h, alone.last_fired_at)
            assert one.shadow_24h == alone.shadow_24h
        return {name: one.fired_24h for name, one in listed.items()}


@pytest.fixture
def ledger(store: Store) -> Ledger:
    return Ledger(store)


def test_nothing_fired_yet(ledger: Ledger) -> None:
    assert ledger.counts() == {"on": 0, "shadow": 0}
    assert ledger.tower.automations.get("on").last_fired_at is None


def test_new_firings_are_added_and_a_day_takes_them_off(ledger: Ledger) -> None:
    ledger.fire(3)
    assert ledger.counts() == {"on": 3, "shadow": 0}
    ledger.now += 12 * HOUR
    ledger.fire(2)
    assert ledger.counts() == {"on": 5, "shadow": 0}
    ledger.fire(1)
    assert ledger.counts()["on"] == 6
    ledger.now += 13 * HOUR
    assert ledger.counts()["on"] == 3
    ledger.now += 24 * HOUR
    assert ledger.counts()["on"] == 0
    last = ledger.tower.automations.list()[0].last_fired_at
    assert last == ledger.now - 37 * HOUR


def test_what_was_skipped_did_not_fire(ledger: Ledger) -> None:
    ledger.fire(2)
    assert ledger.tower.automations.get("shadow").last_fired_at is None


def test_firings_in_shadow_are_counted_apart(ledger: Ledger) -> None:
    ledger.counts()
    ledger.fire(2)
    ledger.counts()
    ledger.now += 12 * HOUR
    ledger.fire(1)
    on, shadow = ledger.tower.automations.list()
    assert (on.fired_24h, on.shadow_24h, on.fired_words) == (3, 0, "3")
    assert (shadow.fired_24h, shadow.shadow_24h, shadow.fired_words) == (0, 3, "3◌")
    ledger.tower.automations.set_mode("shadow", Mode.ENABLED)
    ledger.fire(1)
    assert ledger.tower.automations.list()[1].fired_words == "1+3◌"
    ledger.now += 13 * HOUR
    ledger.counts()
    assert ledger.tower.automations.list()[1].fired_words == "1+1◌"


def test_a_change_of_an_automation_is_seen(ledger: Ledger) -> None:
    ledger.counts()
    ledger.tower.automations.set_mode("on", Mode.DISABLED)
    modes = {one.name: one.mode for one in ledger.tower.automations.list()}
    assert modes == {"on": Mode.DISABLED, "shadow": Mode.SHADOW}
    ledger.tower.automations.delete("on")
    assert [one.name for one in ledger.tower.automations.list()] == ["shadow"]


def test_automations_that_did_not_fire_are_not_read_again(ledger: Ledger) -> None:
    before = {one.name: one for one in ledger.tower.automations.list()}
    ledger.tower.automations.set_mode("shadow", Mode.DISABLED)
    between = {one.name: one for one in ledger.tower.automations.list()}
    ledger.fire(1)
    after = {one.name: one for one in ledger.tower.automations.list()}
    again = {one.name: one for one in ledger.tower.automations.list()}
    assert between["shadow"].mode is Mode.DISABLED
    assert after["shadow"] is between["shadow"]
    assert (before["on"].fired_24h, after["on"].fired_24h) == (0, 1)
    assert all(again[name] is one for name, one in after.items())


def test_a_list_is_of_one_container_and_its_first_are_the_same(ledger: Ledger) -> None:
    ledger.fire(1)
    ledger.tower.create_registry("datasets")
    automations, models = ledger.tower.automations, ContainerReference.registry("models")
    assert automations.list(ContainerReference.registry("datasets")) == []
    assert automations.list(models) == automations.list() == automations.list(limit=2)
    assert automations.list(models, limit=1) == automations.list()[:1]


def test_recent_firings_are_counted_by_eighths_of_a_day(ledger: Ledger) -> None:
    ledger.fire(2)
    ledger.now += 10 * HOUR
    ledger.fire(1)
    ids = {one.name: one.id for one in ledger.tower.automations.list()}
    recent = ledger.tower.automations.recent()
    assert recent[ids["on"]].parts == (0, 0, 0, 0, 2, 0, 0, 1)
    assert recent[ids["shadow"]].parts == (0, 0, 0, 0, 2, 0, 0, 1)
    assert ledger.tower.automations.recent(list(ids.values())) == recent
    assert ledger.tower.automations.recent([ids["on"]]).keys() == {ids["on"]}
    with ledger.store.changing() as change:
        change.connection.exec_driver_sql(
            "UPDATE executions SET status = 'failed', skip_reason = NULL"
        )
    ledger.now += 15 * HOUR
    assert ledger.tower.automations.recent()[ids["on"]].failed == 1
    assert ledger.tower.automations.history(ledger.tower.automations.get("on")).failed == 3
    ledger.now += 24 * HOUR
    assert ledger.tower.automations.recent() == {}
