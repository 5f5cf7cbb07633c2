"""The form of an automation, with a preview beside it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Static, TextArea

from firetower.core.automations import Automation, Definition, Mode
from firetower.core.drafts import Draft, Part, Reading, read_draft, suggested_name
from firetower.core.errors import FiretowerError
from firetower.core.text import counted, visible
from firetower.tui.actions import bindings_of
from firetower.tui.form.backtest import BacktestSummary
from firetower.tui.form.data import ChangedMeanwhile, FormData, read_form_data, save
from firetower.tui.form.fields import NEW, Fields, endpoint_kind, variables
from firetower.tui.form.preview import collections_note, endpoint_note, preview_text, values_note
from firetower.tui.messages import DatabaseChanged
from firetower.tui.page import Page, ask
from firetower.tui.refresh import Refresh
from firetower.tui.session import in_background, session_of
from firetower.tui.text import lines, show_text
from firetower.tui.widgets.choice import Choice, Radio, Tick
from firetower.tui.widgets.key_line import KeyLine


class FormScreen(Page[str | None]):
    """Creates or edits an automation; returns its name, or None when cancelled."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - Textual's own
    BINDINGS: ClassVar = bindings_of("form")

    def __init__(self, draft: Draft, before: Automation | None = None) -> None:
        super().__init__()
        self._before = before
        self._began = draft
        self.fields = Fields(draft)
        self._data = FormData()
        self._reading = Reading()
        self._asked_to_save = False
        self._saving = False
        self._refusal = Content("")
        """Why it was not saved; shown until the next edit."""
        self._reload = Refresh(self, self._read)
        self._previewed: tuple[Draft, Reading, FormData] | None = None
        self._reload_preview = Refresh(self, self._read_preview)

    def compose(self) -> ComposeResult:
        container = self._began.container
        what = "New automation" if self._before is None else f"Edit {self._before.name}"
        title = Content.from_markup(
            "[b]$what[/] [dim]in $kind[/] $name",
            what=visible(what),
            kind=container.kind.value,
            name=visible(str(container)),
        )
        yield Static(title, id="form-title")
        with Horizontal(id="form"):
            with VerticalScroll(id="form-fields", can_focus=False):
                yield self.fields
            with VerticalScroll(id="form-preview", can_focus=False):
                yield Static("What it will do", classes="form--heading")
                yield Static("Reading recent events …", id="preview")
                yield BacktestSummary(None if self._before is None else self._before.name)
        with Horizontal(id="form-buttons"):
            yield Static("", id="form-said")
            yield Button("Cancel", id="cancel", action="screen.back", compact=True)
            yield Button("Save", id="save", action="screen.save", variant="primary", compact=True)
        yield KeyLine()

    def on_mount(self) -> None:
        self.fields.whole.focus()
        self._update_all()
        self._reload()

    def on_database_changed(self, _: DatabaseChanged) -> None:
        self._reload()

    async def _read(self) -> None:
        container, type_ = self._began.container, self.fields.draft.event_type
        try:
            self._data = await session_of(self).ask(
                lambda tower: read_form_data(tower, container, type_)
            )
        except FiretowerError as error:
            self.query_one("#preview", Static).update(lines(error.text))
        else:
            self._update_all()

    @on(Input.Changed)
    @on(TextArea.Changed)
    @on(Radio.Changed)
    @on(Tick.Changed)
    def _edited(self) -> None:
        self._refusal = Content("")
        self._update_all()

    @on(Choice.Changed)
    def _chosen(self, event: Choice.Changed) -> None:
        self._edited()
        if event.value == NEW:
            self.fields.endpoint.value = self.fields.draft.endpoint
            self._create_endpoint()

    @on(Radio.Changed, "#action-type")
    def _action_changed(self) -> None:
        """Clear an endpoint of the other kind."""
        self._choose_endpoint(self.fields.endpoint.chosen)

    def _choose_endpoint(self, name: str) -> None:
        """Choose an endpoint if it is one of the action's kind."""
        known = {one.name for one in self._data.endpoints(endpoint_kind(self.fields.read()))}
        self.fields.endpoint.value = name if name in known else ""

    def _update_all(self) -> None:
        """Read the fields, and show their preview, notes and errors."""
        draft = self.fields.read()
        self.fields.fit(draft, self._data)
        name = suggested_name(draft, self._data.names)
        self.fields.automation_name.placeholder = name
        if self._data.event_type is None:
            return
        if self._data.event_type is not draft.event_type:
            self._data = replace(self._data, event_type=draft.event_type, recent=())
            self._reload()
        named = draft if draft.name else replace(draft, name=name)
        others = self._data.names - ({self._before.name} if self._before else set())
        self._reading = reading = read_draft(
            named.shown, self._data.granted.get(draft.endpoint, frozenset()), others
        )
        self._show_notes(draft, reading)
        self._show_errors(reading)
        self.query_one(BacktestSummary).show(reading.definition)
        self._previewed = named, reading, self._data
        self._reload_preview.at_once()

    async def _read_preview(self) -> None:
        """Show the preview; it is made in a thread, for events may carry much metadata."""
        if self._previewed is not None:
            now = session_of(self).now()
            text, note = await asyncio.to_thread(_preview_texts, *self._previewed, now)
            show_text(self.query_one("#preview", Static), text)
            self.fields.row("whole-or-part").set_note(note)

    def _show_notes(self, draft: Draft, reading: Reading) -> None:
        recent = self._data.recent
        aliases, tags = [one.alias for one in recent], [one.tag for one in recent]
        self.fields.row(Part.ALIAS).set_note(values_note(draft.alias, aliases))
        self.fields.row(Part.TAG).set_note(values_note(draft.tag, tags))
        names = f"${{…}} of {', '.join(variables(draft, self._data))}"
        for part in (Part.PAYLOAD, Part.MESSAGE):
            self.fields.row(part).set_note("" if part in reading.problems else names)
        self.fields.row(Part.ACTION).set_note(endpoint_note(draft, self._data))

    def _show_errors(self, reading: Reading) -> None:
        errors = dict(reading.problems)
        if self._asked_to_save:
            errors = {**reading.missing, **errors}
        for part in Part:
            self.fields.row(part).fail(errors.get(part))
        said = counted(len(errors), "error") if errors else self._refusal
        self.query_one("#form-said", Static).update(said)

    @on(Input.Submitted)
    def _line_ended(self) -> None:
        self.focus_next()

    def action_scroll_preview(self, pages: int) -> None:
        preview = self.query_one("#form-preview")
        preview.scroll_relative(y=pages * max(1, preview.size.height - 1))

    @property
    def unsaved(self) -> str:
        return "" if self.fields.read() == self._began else "Your edits are lost."

    def action_back(self) -> None:
        if not self._saving:  # it closes once that is done
            super().action_back()

    def action_save(self) -> None:
        """Save it, or show the errors under the fields."""
        if self._saving:
            return
        self._asked_to_save = True
        self._edited()
        definition = self._reading.definition
        if definition is None or self._reading.missing:
            self._go_to_problem()
            return
        self._saving = True
        self._save(definition, self.fields.draft.mode, self._before)

    @in_background
    async def _save(self, definition: Definition, mode: Mode, before: Automation | None) -> None:
        try:
            await session_of(self).ask(lambda tower: save(tower, definition, mode, before))
        except FiretowerError as error:
            await self._refuse(error)
            return
        finally:
            self._saving = False
        self.notify(f"Saved {definition.name}. {definition.sentence}")
        self.dismiss(definition.name)

    async def _refuse(self, error: FiretowerError) -> None:
        """Show why it was not saved, and the data as it is now."""
        if isinstance(error, ChangedMeanwhile):
            self._before = error.now
        self._refusal = Content.styled(visible(f"{error.message}. {error.hint}"), "$error")
        await self._read()
        if Part.NAME in self._reading.problems:
            self._go_to_problem()

    def _go_to_problem(self) -> None:
        """Focus the first field with an error."""
        errors = {**self._reading.missing, **self._reading.problems}
        if errors:
            first = next(part for part in Part if part in errors)
            self.fields.row(first).query("Input, Choice, TextArea").first().focus()

    @in_background
    async def _create_endpoint(self) -> None:
        """Create an endpoint without leaving the form, and choose it."""
        from firetower.tui.screens.endpoint_form import EndpointDialog

        created = await ask(self, EndpointDialog(endpoint_kind(self.fields.draft)))
        if created is not None:
            await self._read()
            self._choose_endpoint(created)


def _preview_texts(
    draft: Draft, reading: Reading, data: FormData, now: datetime
) -> tuple[Content, str]:
    return preview_text(draft, reading, data, now), collections_note(draft, reading, data)
