"""The form of an automation, with a preview beside it."""

import asyncio
import json
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Static, TextArea

from firetower.core.actions import ActionType
from firetower.core.automations import Automation, Definition, Mode
from firetower.core.drafts import Draft, Part, Reading, read_draft, suggested_name
from firetower.core.errors import FiretowerError
from firetower.core.filters.rows import rows_of
from firetower.core.references import ContainerKind
from firetower.core.text import counted, visible
from firetower.tui.actions import bindings_of
from firetower.tui.form.backtest import BacktestSummary
from firetower.tui.form.data import ChangedMeanwhile, FormData, read_form_data, save
from firetower.tui.form.fields import NEW, Fields, endpoint_kind, variables
from firetower.tui.form.preview import (
    collections_note,
    endpoint_note,
    metrics_note,
    missing_text,
    preview_text,
    sample_variables,
    values_note,
)
from firetower.tui.messages import DatabaseChanged, TestEndpoint, post
from firetower.tui.page import Page, ask
from firetower.tui.session import Refresh, in_background, session_of
from firetower.tui.terminal import edit_text
from firetower.tui.text import folded, lines, show_text
from firetower.tui.widgets.entries import Choice, Radio, Tick
from firetower.tui.widgets.key_line import KeyLine

ERROR_DELAY = 1.0
"""Seconds without a change after which errors are shown: half a word is not wrong yet."""
_UNFOLDED = 1_000
"""Cells of the preview's lines before it has a width."""


class FormScreen(Page[str | None]):
    """Creates or edits an automation; returns its name, or None when cancelled."""

    BINDINGS: ClassVar = bindings_of("form")

    def __init__(self, draft: Draft, before: Automation | None = None) -> None:
        super().__init__()
        self._before = before
        self._began = draft
        self.fields = Fields(draft)
        self._data = FormData()
        self._reading = Reading()
        self._asked_to_save = False
        self.awaits_rows = True
        """Whether its first data is still being read: a key that saves waits for that."""
        self._said: set[Part] = set()
        """The parts whose errors are shown."""
        self._saving = False
        self._refusal = Content("")
        """Why it was not saved; shown until the next edit."""
        self._reload = Refresh(self, self._read)
        self._has_preview = False
        self._previewed: tuple[Draft, Reading, FormData] | None = None
        self._reload_preview = Refresh(self, self._read_preview)

    def compose(self) -> ComposeResult:
        container = self._began.container
        what = "New automation" if self._before is None else f"Edit {self._before.name}"
        title = Content.from_markup(
            "[b]$what[/] [dim]in $kind[/] $name",
            what=visible(what),
            kind="the" if container.kind is ContainerKind.ORGANIZATION else container.kind.value,
            name=visible(str(container)),
        )
        yield Static(title, id="form-title")
        with Horizontal(id="form"):
            with VerticalScroll(id="form-fields", can_focus=False):
                yield self.fields
            with VerticalScroll(id="form-preview", can_focus=False):
                yield Static("What it will do", classes="form--heading")
                yield Static("", id="preview-said")
                yield Static("Reading recent events …", id="preview")
                yield BacktestSummary(None if self._before is None else self._before.name)
        with Horizontal(id="form-buttons"):
            yield Static("", id="form-said")
            yield Button("Cancel", id="cancel", action="screen.back", compact=True)
            yield Button("Test", id="test", action="screen.test", compact=True)
            yield Button("Save", id="save", action="screen.save", variant="primary", compact=True)
        yield KeyLine()

    def on_mount(self) -> None:
        self.fields.whole.focus()
        self._update_all()
        self._reload()

    def on_resize(self) -> None:
        self._reload_preview()

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
        finally:
            self.awaits_rows = False

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
            self.fields.choices["endpoint"].value = self.fields.draft.endpoint
            self._create_endpoint()

    @on(Radio.Changed, "#action-type")
    def _action_changed(self) -> None:
        """Clear an endpoint of the other kind."""
        self._choose_endpoint(self.fields.choices["endpoint"].chosen)

    def _choose_endpoint(self, name: str) -> None:
        """Choose an endpoint if it is one of the action's kind."""
        known = {one.name for one in self._data.endpoints(endpoint_kind(self.fields.read()))}
        self.fields.choices["endpoint"].value = name if name in known else ""

    def _update_all(self) -> None:
        """Read the fields, and show their preview, notes and errors."""
        draft = self.fields.read()
        self.fields.fit(draft, self._data)
        self._offer_test(draft)
        name = suggested_name(draft, self._data.names)
        self.fields.lines["name"].placeholder = name
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
        self._show_notes(draft)
        self._show_errors(reading)
        self.query_one(BacktestSummary).show(reading.definition)
        self._previewed = named, reading, self._data
        self._reload_preview.at_once()

    def _offer_test(self, draft: Draft) -> None:
        """Offer to test an endpoint where the action has one."""
        test = self.query_one("#test", Button)
        if test.display is not _sends(draft):
            test.display = _sends(draft)
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer neither a test nor an editor of what is sent where nothing is sent."""
        if action == "test" or (
            action == "edit_text" and not self.fields.lines["filter"].has_focus
        ):
            return _sends(self.fields.draft)
        return super().check_action(action, parameters)

    async def _read_preview(self) -> None:
        """Show the preview; it is made in a thread, for events may carry much metadata."""
        if self._previewed is not None:
            now = session_of(self).now()
            width = self.query_one("#preview").size.width or _UNFOLDED
            text, note, names = await asyncio.to_thread(
                _preview_texts, *self._previewed, now, width
            )
            self.fields.row("whole-or-part").set_note(note)
            self.fields.payload.variables = self.fields.message.variables = names
            preview = self.query_one("#preview", Static)
            preview.set_class(text is None, "-stale")
            if text is not None:
                show_text(preview, text)
                self._has_preview = True
            elif not self._has_preview:
                show_text(preview, Content(""))

    def _show_notes(self, draft: Draft) -> None:
        recent = self._data.recent
        aliases, tags = [one.alias for one in recent], [one.tag for one in recent]
        self.fields.row(Part.ALIAS).set_note(values_note(draft.alias, aliases))
        self.fields.row(Part.TAG).set_note(values_note(draft.tag, tags))
        self.fields.row(Part.METRIC).set_note(metrics_note(draft, self._data))
        self.fields.row(Part.ACTION).set_note(endpoint_note(draft, self._data))

    def _show_errors(self, reading: Reading) -> None:
        """Show errors after a pause; those that are corrected go at once."""
        errors = self._errors(reading)
        self._said &= errors.keys()
        for part in Part:
            self.fields.row(part).fail(errors[part] if part in self._said else None)
        self.fields.payload.mark_error(wrong=Part.PAYLOAD in self._said)
        wrong = Content(counted(len(self._said), "error")) if self._said else self._refusal
        show_text(self.query_one("#form-said", Static), wrong)
        first = f"Fix {counted(len(self._said), 'error')} first." if self._said else ""
        note, text = self.query_one("#preview-said", Static), first or missing_text(reading)
        show_text(note, Content(text))
        note.display = bool(text)
        if errors.keys() - self._said:
            self._show_errors_soon()

    def _errors(self, reading: Reading) -> dict[Part, FiretowerError]:
        missing = reading.missing if self._asked_to_save else {}
        return {**missing, **reading.problems}

    @work(exclusive=True, group="errors")
    async def _show_errors_soon(self) -> None:
        await asyncio.sleep(ERROR_DELAY)
        self._show_all_errors()

    @on(events.DescendantBlur)
    def _show_all_errors(self) -> None:
        self._said = set(self._errors(self._reading))
        self._show_errors(self._reading)

    @on(Input.Submitted)
    def _line_ended(self) -> None:
        self.focus_next()

    @in_background
    async def action_edit_text(self) -> None:
        """Edit the text in focus in the user's editor: the filter, else the payload or message."""
        fields = self.fields
        if fields.lines["filter"].has_focus:
            value = edit_text(self.app, _indented(fields.lines["filter"].value), ".json")
            fields.lines["filter"].value = " ".join(map(str.strip, value.splitlines()))
            return
        slack = fields.draft.action is ActionType.NOTIFICATION
        editor = fields.message if slack else fields.payload
        text = edit_text(self.app, editor.text, ".txt" if slack else ".json")
        if text != editor.text:
            editor.replace(text, (0, 0), editor.document.end)

    @in_background
    async def action_filter_rows(self) -> None:
        """Write the filter as rows; one that says more stays JSON."""
        from firetower.tui.form.filter_rows import filter_dialog

        rows = rows_of(self.fields.lines["filter"].value)
        if rows is None:
            self.notify("This filter says more than rows can: edit its JSON.", severity="warning")
            return
        dialog = filter_dialog(rows, self.fields.draft.event_type, self._data.recent)
        text = await ask(self, dialog)
        if text is not None:
            self.fields.lines["filter"].value = text
            self.fields.lines["filter"].focus()

    def action_test(self) -> None:
        """Ask to test the chosen endpoint; the dialog says what it sends."""
        name = self.fields.draft.endpoint
        if self._data.endpoint(self.fields.draft.action, name) is None:
            self.notify("Choose an endpoint to test it.", severity="warning")
        else:
            post(self, TestEndpoint(name))

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
        self._show_all_errors()
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
        from firetower.tui.screens.endpoint_dialogs import EndpointDialog

        created = await ask(self, EndpointDialog(endpoint_kind(self.fields.draft)))
        if created is not None:
            await self._read()
            self._choose_endpoint(created)


def _sends(draft: Draft) -> bool:
    return draft.action is not ActionType.NO_OP


def _preview_texts(
    draft: Draft, reading: Reading, data: FormData, now: datetime, width: int
) -> tuple[Content | None, str, dict[str, str]]:
    said = reading.definition
    text = None if said is None else folded(preview_text(draft, said, data, now), width)
    names = sample_variables(draft, variables(draft, data), reading, data)
    return text, collections_note(draft, reading, data), names


def _indented(text: str) -> str:
    """Return JSON over several lines; anything else as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
