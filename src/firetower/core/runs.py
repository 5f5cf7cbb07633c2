"""Runs of training scripts: references, states, alerts, and how they are shown."""

import re
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal, NamedTuple, Self, TypeAlias, get_args

from pydantic import JsonValue, model_validator

from firetower.core.errors import InvalidInput
from firetower.core.json import clean, dump, parse_object
from firetower.core.references import (
    MAX_NAME,
    ContainerKind,
    ContainerReference,
    Frozen,
    Timestamp,
    check_text,
    check_visible,
    one_spelling,
)
from firetower.core.text import and_list, instant, quoted, shortened

HEARTBEAT_INTERVAL = timedelta(seconds=30)
"""Time between two heartbeats of a run that logs nothing."""
RUN_TIMEOUT = timedelta(minutes=5)
"""Age of its newest heartbeat from which a run has crashed, unless the settings say another."""
_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}")
_LETTERS = string.ascii_lowercase + string.digits


class RunState(StrEnum):
    """The state of a run."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CRASHED = "crashed"
    """It has sent no heartbeat for a while."""
    KILLED = "killed"

    @property
    def reported(self) -> "RunState | None":
        """The state that a RUN_STATE event names: a crash is a failure, a kill is no event."""
        if self is RunState.CRASHED:
            return RunState.FAILED
        return None if self is RunState.KILLED else self

    @property
    def phrase(self) -> str:
        """The state as a verb after the run's name: "failed", "was killed"."""
        return _PHRASES.get(self, self.value)


_PHRASES = {RunState.RUNNING: "is running", RunState.KILLED: "was killed"}


class RunReference(Frozen):
    """A run: `acme/vision/x3k9ab2c`."""

    project: ContainerReference
    id: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `ENTITY/PROJECT/ID`. Raises InvalidInput."""
        project, slash, run_id = check_text(text, "run").rpartition("/")
        if not slash or "/" not in project:
            raise InvalidInput(
                f"{quoted(shortened(text, 80))} does not name a run",
                "Write ENTITY/PROJECT/ID; `firetower run list ENTITY/PROJECT` shows the ids.",
            )
        return cls(project=ContainerReference.project(project), id=check_run_id(run_id))

    def __str__(self) -> str:
        return f"{self.project}/{self.id}"


def check_run_id(text: str) -> str:
    """Return a run's id if it can be one. Raises InvalidInput."""
    if not _ID.fullmatch(check_text(text, "run id")):
        raise InvalidInput(
            f"run id {quoted(shortened(text, 40))} is not allowed",
            "Use letters, digits, -, _ and . after the first, at most 128 characters.",
        )
    return text


def new_run_id() -> str:
    """Return 8 random characters, as W&B's ids are."""
    return "".join(secrets.choice(_LETTERS) for _ in range(8))


def check_run_text(text: str, what: str) -> str:
    """Return a run's name, group or type of job in its one spelling. Raises InvalidInput."""
    text = one_spelling(check_text(text, what))
    if not text.strip() or len(text) > MAX_NAME:
        raise InvalidInput(
            f"{what} {quoted(shortened(text, 40))} is empty or too long",
            f"Use 1 to {MAX_NAME} characters.",
        )
    check_visible(text, what)
    return text


Level: TypeAlias = Literal["INFO", "WARN", "ERROR"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""Those of an alert, as a message's severities."""
MAX_ALERT = 10_000
"""Characters of an alert's title and text together."""


class RunAlert(Frozen):
    """An alert that a script sends by `run.alert`."""

    title: str
    text: str = ""
    severity: Level = "INFO"

    @classmethod
    def checked(cls, title: str, text: str, level: str) -> Self:
        """Return an alert with a level in any case. Raises InvalidInput."""
        severity = next((one for one in LEVELS if one == level.upper()), None)
        if severity is None:
            raise InvalidInput(
                f"there is no level {quoted(shortened(level, 40))} of an alert",
                f"Choose {and_list(LEVELS, 'or')}.",
            )
        return cls(title=check_text(title, "title"), text=text, severity=severity)

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        if not self.title.strip():
            raise InvalidInput("the alert has no title", "Say in a few words what it is about.")
        if (length := len(self.title) + len(self.text)) > MAX_ALERT:
            raise InvalidInput(
                f"the alert has {length:,} characters", f"Send at most {MAX_ALERT:,}."
            )
        return self


@dataclass(frozen=True)
class RunSnapshot:
    """A run as it was when an event was recorded."""

    reference: RunReference
    name: str
    user: str
    state: RunState
    group: str = ""
    job_type: str = ""
    tags: tuple[str, ...] = ()
    config_json: str = "{}"
    alert: RunAlert | None = None
    """The alert, where the event is one."""

    @property
    def id(self) -> str:
        """The run's id in its project."""
        return self.reference.id

    @cached_property
    def config(self) -> dict[str, JsonValue]:
        """The run's configuration, parsed when first asked for."""
        return parse_object(self.config_json)

    @property
    def status(self) -> str:
        """The state as events and payloads name it: a crash is "failed"."""
        return (self.state.reported or self.state).value

    @property
    def title(self) -> str:
        """The name with the id, where they differ: "resnet-50 (x3k9ab2c)"."""
        return self.id if self.name == self.id else f"{self.name} ({self.id})"

    def as_json(self) -> str:
        """Return it as it is stored with an event."""
        data = {"project": self.reference.project.full_name, **self.as_data()}
        if self.alert is not None:
            data["alert"] = self.alert.model_dump()
        return dump({**data, "config_json": self.config_json})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `as_json` returned."""
        data: dict[str, Any] = parse_object(text)
        entity, _, name = data.pop("project").partition("/")
        # Checked when it was written: events are read by the thousand.
        project = ContainerReference.model_construct(
            kind=ContainerKind.PROJECT, entity=entity, name=name
        )
        reference = RunReference.model_construct(project=project, id=data.pop("id"))
        state, tags = RunState(data.pop("state")), tuple(data.pop("tags"))
        if (alert := data.pop("alert", None)) is not None:
            alert = RunAlert.model_construct(**alert)
        return cls(reference, state=state, tags=tags, alert=alert, **data)

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-ready data, without the configuration."""
        return {
            "id": self.id,
            "name": self.name,
            "user": self.user,
            "state": self.state.value,
            "group": self.group,
            "job_type": self.job_type,
            "tags": list(self.tags),
        }


class StateCondition(Frozen):
    """The run comes into one of some states."""

    kind: Literal["state"] = "state"
    states: tuple[RunState, ...]

    @model_validator(mode="after")
    def _can_happen(self) -> Self:
        if not self.states or not set(self.states) <= set(REPORTED_STATES):
            raise InvalidInput(
                "an automation cannot wait for that state of a run"
                if self.states
                else "no state of the run is chosen",
                f"Choose {and_list(REPORTED_STATES, 'or')}; a crash counts as failed.",
            )
        return self

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read states with commas between, in any case. Raises InvalidInput."""
        names = [name.strip().lower() for name in text.split(",")]
        known = {state.value for state in RunState}
        unknown = next((name for name in names if name not in known), None)
        if unknown is not None:
            raise InvalidInput(
                f"there is no state {quoted(shortened(unknown, 40))} of a run",
                f"Choose {and_list(REPORTED_STATES, 'or')}; a crash counts as failed.",
            )
        return cls(states=tuple(dict.fromkeys(map(RunState, names))))

    @property
    def text(self) -> str:
        """What `parse` reads."""
        return ",".join(self.states)

    def holds(self, run: RunSnapshot | None) -> bool:
        """Return whether an event's run came into one of the states."""
        return run is not None and run.state.reported in self.states

    @property
    def words(self) -> str:
        """The condition after "When": "a run fails"."""
        return f"a run {and_list([_VERBS[state] for state in self.states], 'or')}"

    @property
    def label(self) -> str:
        """As a column shows it: "run failed"."""
        return f"run {' or '.join(self.states)}"


REPORTED_STATES = tuple(state for state in RunState if state.reported is state)
"""Those that a RUN_STATE event names."""
_VERBS = {RunState.RUNNING: "starts", RunState.FINISHED: "finishes", RunState.FAILED: "fails"}


class MetricSummary(Frozen):
    """The newest value of one metric of a run."""

    name: str
    step: int
    """The largest step with a value."""
    value: float
    """The value there."""
    count: int
    """Points kept."""
    at: Timestamp

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        data = {"metric": self.name, "step": self.step, "value": as_json_number(self.value)}
        return {**data, "points": self.count, "at": instant(self.at)}


class Run(Frozen):
    """A run as it is now."""

    reference: RunReference
    name: str
    user: str
    state: RunState
    group: str = ""
    job_type: str = ""
    notes: str = ""
    host: str = ""
    tags: tuple[str, ...] = ()
    config: dict[str, JsonValue]
    summary: dict[str, JsonValue]
    """Values that the script summed up; the newest ones of metrics are in `MetricSummary`."""
    started_at: Timestamp
    heartbeat_at: Timestamp
    ended_at: Timestamp | None = None
    exit_code: int | None = None
    last_step: int | None = None
    """The largest step of all metrics but the system's."""

    def __str__(self) -> str:
        return str(self.reference)

    @property
    def id(self) -> str:
        """The run's id in its project."""
        return self.reference.id

    def duration(self, now: datetime) -> timedelta:
        """Return how long it ran, or has been running."""
        return max((self.ended_at or now) - self.started_at, timedelta(0))

    @property
    def may_be_resent(self) -> bool:
        """Whether it was started again after its end and has sent no newer values since."""
        return self.state is RunState.RUNNING and self.ended_at is not None

    @property
    def reported(self) -> RunState | None:
        """The state that its newest RUN_STATE event named; None where a kill came after it."""
        if self.may_be_resent:
            return RunState.FAILED if self.exit_code else RunState.FINISHED
        return self.state.reported

    @property
    def next_step(self) -> int:
        """The step after the largest one."""
        return 0 if self.last_step is None else self.last_step + 1

    @property
    def snapshot(self) -> RunSnapshot:
        """The run as an event records it."""
        return RunSnapshot(
            reference=self.reference,
            name=self.name,
            user=self.user,
            state=self.state,
            group=self.group,
            job_type=self.job_type,
            tags=self.tags,
            config_json=dump(self.config),
        )

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        data = self.model_dump(mode="json", exclude={"reference"})
        return {"run": str(self.reference), "id": self.id, **data}


class StartedRun(Run):
    """The run that was started or resumed."""

    created: bool
    """False where it was there and was resumed."""


class RunDetail(Frozen):
    """A run with its metrics and its artifacts."""

    run: Run
    metrics: tuple[MetricSummary, ...]
    logged: tuple[str, ...]
    """References of the versions that it logged."""
    used: tuple[str, ...]
    """References of the versions that it used."""

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {
            **self.run.as_data(),
            "metrics": [one.as_data() for one in self.metrics],
            "logged_artifacts": list(self.logged),
            "used_artifacts": list(self.used),
        }


def as_json_number(value: float) -> JsonValue:
    """Return a number as JSON has it; those it does not have as text, as in metadata."""
    return clean(value, "the value")


class RunLine(NamedTuple):
    """A run in a list; smaller than a Run, for lists have ten thousand."""

    row: int
    """The number of its row."""
    reference: str
    """`entity/project/id`."""
    project: str
    name: str
    user: str
    state: RunState
    started_at: datetime
    ended_at: datetime | None
    values: tuple[float | None, ...]
    """The newest values of the list's metrics; None for one that the run has not logged."""

    def duration(self, now: datetime) -> timedelta:
        """Return how long it ran, or has been running."""
        return max((self.ended_at or now) - self.started_at, timedelta(0))


@dataclass(frozen=True, slots=True)
class RunList:
    """The newest runs of a project, or of what covers several."""

    lines: Sequence[RunLine] = ()
    total: int = 0
    """Runs that there are."""
    metrics: Sequence[str] = ()
    """The metrics whose values the lines have."""

    def joined(self, older: "RunList") -> "RunList":
        """Return these lines and those of an older list that they lack, the newest first."""
        if self.metrics != older.metrics or len(self.lines) >= self.total:
            return self
        rows = {line.row for line in self.lines}
        lines = [*self.lines, *(line for line in older.lines if line.row not in rows)]
        return RunList(lines, self.total, self.metrics)
