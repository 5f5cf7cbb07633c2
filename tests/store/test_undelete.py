"""A deleted automation comes back as the one it was."""

from datetime import timedelta

import pytest

from firetower.core.automations import Mode
from firetower.core.endpoints import EndpointKind
from firetower.core.errors import Conflict, NotFound
from firetower.core.explanation import Stop
from firetower.store.store import Store
from store.bench import Bench


@pytest.fixture
def bench(store: Store) -> Bench:
    return Bench(store)


def test_undelete_keeps_history_revisions_mode_and_cooldown(bench: Bench) -> None:
    automations = bench.tower.automations
    bench.automate(records=True, cooldown=timedelta(minutes=10))
    automations.set_mode("deploy", Mode.SHADOW)
    bench.tower.add_alias(bench.version, "before")
    bench.turn()
    before, revisions = automations.get("deploy"), automations.revisions("deploy")
    automations.delete("deploy")
    bench.tower.add_alias(bench.version, "meanwhile")
    bench.turn()
    back = automations.undelete("deploy")
    assert (back.id, back.name, back.created_at) == (before.id, "deploy", before.created_at)
    assert (back.mode, back.definition) == (Mode.SHADOW, before.definition)
    assert back.fired_24h == before.fired_24h
    assert [one.number for one in automations.revisions("deploy")] == [4, 3, 2, 1]
    assert automations.revisions("deploy")[-1] == revisions[-1]
    bench.tower.add_alias(bench.version, "after")
    bench.turn()
    fired = {str(one.event.alias): one.skip_reason for one in bench.executions}
    assert fired == {"before": "shadow", "after": "cooldown"}
    assert {one.automation_id for one in bench.executions} == {before.id}
    [event] = [one for one in bench.tower.events.newest(9) if one.alias == "meanwhile"]
    [finding] = bench.tower.explain.event(event.id).findings
    assert finding.stop is Stop.DELETED


def test_undelete_is_refused_where_the_name_is_taken(bench: Bench) -> None:
    automations = bench.tower.automations
    bench.automate(records=True)
    first = automations.get("deploy").id
    automations.delete("deploy")
    bench.automate(records=True, mode=Mode.DISABLED)
    with pytest.raises(Conflict, match="another automation is named deploy by now"):
        automations.undelete(first)
    automations.delete("deploy")
    assert automations.undelete(first).mode is Mode.ENABLED
    with pytest.raises(NotFound, match="no deleted automation"):
        automations.undelete(first)
    bench.now += timedelta(seconds=1)
    automations.delete("deploy")
    assert automations.undelete("deploy").id == first


def test_undelete_is_refused_where_its_endpoint_is_gone(bench: Bench) -> None:
    bench.automate()
    bench.tower.automations.delete("deploy")
    bench.tower.endpoints.delete("ci", EndpointKind.WEBHOOK)
    with pytest.raises(NotFound, match="no webhook ci"):
        bench.tower.automations.undelete("deploy")
    assert bench.tower.automations.names() == []
