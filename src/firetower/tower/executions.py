"""What was fired, and what became of it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from firetower.core.automations import Revision
from firetower.core.executions import Attempt, Execution, Status
from firetower.core.feed import FeedLine, Page, in_order
from firetower.core.references import ContainerReference
from firetower.store import executions as store
from firetower.store import redelivery
from firetower.store.automations import find_revision
from firetower.store.circuit_news import news_among
from firetower.store.follow import Follower
from firetower.store.store import Store
from firetower.store.watch import watch


class Executions:
    """The executions of a database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def newest(
        self,
        limit: int,
        *,
        status: Status | None = None,
        since: datetime | None = None,
        automation_id: int | None = None,
    ) -> list[Execution]:
        """Return the newest executions of one status or automation, or of all, the newest first."""
        with self._store.reading() as connection:
            return store.list_executions(
                connection,
                self._store.known,
                limit=limit,
                status=status,
                since=since,
                automation_id=automation_id,
            )

    def page(
        self,
        limit: int,
        *,
        since: datetime | None = None,
        before_id: int | None = None,
        container: ContainerReference | None = None,
    ) -> Page:
        """Return a page of the feed: executions and what became of circuits, the oldest first.

        `before_id` goes on with the page before, `container` narrows both to one registry or
        project.
        """
        with self._store.reading() as connection:
            executions = store.list_executions(
                connection,
                self._store.known,
                limit=limit,
                since=since,
                before_id=before_id,
                container=container,
            )[::-1]
            more = 0 < limit <= len(executions)
            news = news_among(
                connection,
                after=executions[0].created_at if more else since,
                before_id=before_id,
                container=container,
            )
        if limit <= 0:
            return Page((), more=False)
        return Page(in_order(executions, news), more)

    def get(self, execution_id: int) -> tuple[Execution, list[Attempt]]:
        """Return an execution with its tries. Raises NotFound."""
        with self._store.reading() as connection:
            execution = store.find_execution(connection, self._store.known, execution_id)
            return execution, store.list_attempts(connection, execution_id)

    def revision(self, execution: Execution) -> Revision:
        """Return the automation as it was when it fired."""
        with self._store.reading() as connection:
            return find_revision(connection, execution.automation_id, execution.revision)

    def chain(self, execution: Execution) -> list[Execution]:
        """Return what led to an execution: its cause, the cause of that, and so on."""
        with self._store.reading() as connection:
            return store.list_causes(connection, self._store.known, execution)

    def follow(self, *, wait: float = 1.0) -> Iterator[Sequence[FeedLine]]:
        """Yield the outcomes from now on, in batches, as they come.

        An empty batch comes after `wait` seconds without one, so that the caller can stop.
        """
        with watch(self._store.database) as changes:
            with self._store.reading() as connection:
                follower = Follower.from_now(connection)
            yield []
            while True:
                changed = changes.wait(wait)
                lines: Sequence[FeedLine] = ()
                if changed:
                    with self._store.reading() as connection:
                        lines = follower.poll(connection, self._store.known)
                if lines or not changed:
                    yield lines

    def changes(self, *, wait: float = 1.0) -> Iterator[Sequence[Execution] | None]:
        """Yield the executions that are new or have changed, each time the database changes.

        None comes after `wait` seconds in which nothing did, so that the caller can stop.
        """
        with watch(self._store.database, quick=False) as changes:
            with self._store.reading() as connection:
                follower = Follower.from_now(connection)
            yield None
            while True:
                if not changes.wait(wait):
                    yield None
                    continue
                with self._store.reading() as connection:
                    yield follower.poll_executions(connection, self._store.known)

    def redeliver(self, execution_ids: Iterable[int]) -> int:
        """Send executions again, with the same webhook-id; return how many.

        Raises NotFound, and Conflict for one that is running or has nothing to send.
        """
        with self._store.changing() as change:
            return redelivery.redeliver(change, execution_ids)

    def redeliver_failed(self, since: datetime, *, endpoint_id: int | None = None) -> int:
        """Send again what failed since a moment, at one endpoint or at all; return how many."""
        with self._store.changing() as change:
            return redelivery.redeliver_failed(change, since, endpoint_id)

    def failed_since(self, since: datetime) -> dict[str, int]:
        """Return how many executions failed since a moment, by endpoint."""
        with self._store.reading() as connection:
            return redelivery.count_failed(connection, since)
