"""Circuits put into a database as if an endpoint had failed for long."""

from dataclasses import replace

from firetower.core.circuit_breaker import FAILING_TO_OPEN, FAILURES_TO_OPEN, AnswerSummary
from firetower.core.retry import Answer
from firetower.store.circuits import record_answers
from firetower.store.endpoints import find_endpoint
from firetower.store.store import Store


def open_circuit(database: str, name: str, answer: Answer) -> None:
    """Let an endpoint have failed too often in a row, for too long."""
    store = Store.open(database)
    fail_until_open(store, name, answer)
    store.close()


def fail_until_open(store: Store, name: str, answer: Answer) -> None:
    """Do the same in a database that is open."""
    with store.changing() as change:
        key, now = find_endpoint(change, name).id, change.now
        for failures, at in ((FAILURES_TO_OPEN - 1, now - FAILING_TO_OPEN), (1, now)):
            run = AnswerSummary(failures=failures, last=answer)
            record_answers(replace(change, now=at), {key: run}, frozenset(), lambda: 0.0)
