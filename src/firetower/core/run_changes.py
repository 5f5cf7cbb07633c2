"""Changes of a run's name, tags, config and so on: checked, then applied to the run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from pydantic import JsonValue

from firetower.core.errors import InvalidInput
from firetower.core.json import clean_object, dump
from firetower.core.references import check_name, check_texts
from firetower.core.runs import Run, check_run_text

MAX_CONFIG = 1 << 20
"""Bytes of a run's config as JSON: each of its events has it."""
MAX_SUMMARY = 16 << 20
"""Bytes of a run's summary as JSON."""
MAX_TAGS, MAX_NOTES = 1_000, 65_536
"""Tags of a run, and characters of its notes."""


@dataclass(frozen=True, slots=True)
class RunChanges:
    """New values of a run's fields, from its start or later; None keeps a field as it is."""

    name: str | None = None
    user: str | None = None
    group: str | None = None
    job_type: str | None = None
    notes: str | None = None
    host: str | None = None
    tags: tuple[str, ...] | None = None
    config: Mapping[str, JsonValue] | None = None
    """Keys to set; the others stay."""
    summary: Mapping[str, JsonValue] | None = None
    """Keys to set; the others stay."""

    @classmethod
    def checked(
        cls,
        *,
        name: str | None = None,
        user: str | None = None,
        notes: str | None = None,
        tags: Iterable[str] | None = None,
        config: Mapping[str, object] | None = None,
        summary: Mapping[str, object] | None = None,
        **texts: str | None,
    ) -> Self:
        """Return changes, each text in its one spelling, each tag once. Raises InvalidInput.

        `texts` are the group, the type of job and the host; an empty one removes what there was.
        """
        if notes is not None and len(notes) > MAX_NOTES:
            raise InvalidInput(
                f"the run's notes have {len(notes):,} characters", f"Give at most {MAX_NOTES:,}."
            )
        spelled = {
            key: check_run_text(text, key.replace("_", " ")) if text else text
            for key, text in texts.items()
        }
        return cls(
            name=None if name is None else check_run_text(name, "run name"),
            user=None if user is None else check_name(user, "user name"),
            notes=notes,
            tags=None if tags is None else _tags(tags),
            config=None if config is None else clean_object(config, "the config"),
            summary=None if summary is None else clean_object(summary, "the summary"),
            **spelled,
        )

    def applied_to(self, run: Run) -> Run:
        """Return a run with the changes. Raises InvalidInput for too large a config or summary."""
        fields = ("name", "user", "group", "job_type", "notes", "host", "tags")
        changed = {key: value for key in fields if (value := getattr(self, key)) is not None}
        if self.config is not None:
            changed["config"] = _joined(run.config, self.config, "config", MAX_CONFIG)
        if self.summary is not None:
            changed["summary"] = _joined(run.summary, self.summary, "summary", MAX_SUMMARY)
        return run.model_copy(update=changed)


def _joined(
    before: Mapping[str, JsonValue], given: Mapping[str, JsonValue], what: str, most: int
) -> dict[str, JsonValue]:
    joined = {**before, **given}
    if (size := len(dump(joined))) > most:
        raise InvalidInput(
            f"the run's {what} would have {size:,} bytes of JSON, more than {most:,}",
            "Log what is large as an artifact: run.log_artifact, `firetower log`.",
        )
    return joined


def _tags(tags: Iterable[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(check_run_text(tag, "tag") for tag in check_texts(tags, "tags")))
    if len(found) > MAX_TAGS:
        raise InvalidInput(
            f"the run has {len(found):,} tags", f"Give at most {MAX_TAGS:,}; use the config."
        )
    return found
