"""Every action that has a key: bindings, key line, help, palette and key reference are made of it.

The config file names an action by its id, `<screen>.<verb>`, to give it other keys.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from textual.binding import Binding, BindingType
from textual.keys import REPLACED_KEYS, Keys, key_to_character

_MODIFIERS = {"ctrl", "shift", "alt", "meta", "super", "hyper"}
_NAMED = {key.value for key in Keys if key.value.isalnum()} | set(REPLACED_KEYS)

SCREENS: Mapping[str, str] = {
    "app": "anywhere",
    "page": "any screen",
    "container": "Registry, Project",
    "list": "any list",
    "table": "rows of a list",
    "automations": "any list of automations",
    "all-automations": "Automations",
    "automation": "an automation",
    "form": "the form",
    "collections": "Collections, Artifacts tab",
    "collection": "a collection",
    "version": "a version",
    "runs": "Runs tab",
    "run": "a run",
    "executions": "feed, History",
    "feed": "Feed",
    "execution": "an execution",
    "endpoints": "endpoints",
    "endpoint": "an endpoint",
    "endpoint-test": "a test of an endpoint",
    "secrets": "secrets",
    "worker-log": "the worker's log",
    "help": "help",
    "dialog": "a question",
    "buttons": "buttons of a dialog",
    "fields": "fields of a form or dialog",
}
"""Where actions are, by the first part of their ids, in words."""


class Effect(Enum):
    """What an action does beyond the screen; a read-only database refuses all but NONE."""

    NONE = auto()
    CHANGE = auto()
    """It changes the database: a dialog comes first, or `u` undoes it."""
    SEND = auto()
    """It sends requests: a dialog says first what goes where."""


@dataclass(frozen=True, slots=True)
class Action:
    """One action and its keys."""

    id: str
    """`<screen>.<verb>`."""
    keys: str
    """As Textual writes them, several with commas between."""
    label: str
    """In the key line."""
    run: str = ""
    """Textual's action; without one, the verb."""
    help: str = ""
    """In help and palette, where the label is too short to be plain."""
    in_key_line: bool = True
    in_palette: bool = True
    """Not for what only moves the cursor or the focus."""
    shown_as: str | None = None
    """The key on screen, where Textual's own name for it is long."""
    priority: bool = False
    """Whether it works although a field has the focus."""
    effect: Effect = Effect.NONE

    @property
    def screen(self) -> str:
        """Where it is: a key of SCREENS."""
        return self.id.partition(".")[0]

    @property
    def name(self) -> str:
        """Textual's name of it, without parameters."""
        verb = self.id.partition(".")[2].replace("-", "_")
        return self.run.partition("(")[0] or verb

    @property
    def binding(self) -> Binding:
        """The action as Textual takes it."""
        return Binding(
            self.keys,
            self.run or self.name,
            self.label,
            show=self.in_key_line,
            key_display=self.shown_as,
            priority=self.priority,
            tooltip=self.help or self.label,
            id=self.id,
        )


def _hidden(id: str, keys: str, label: str, run: str = "", effect: Effect = Effect.NONE) -> Action:
    return Action(id, keys, label, run, in_key_line=False, effect=effect)


def _change(id: str, keys: str, label: str, run: str = "", said: str = "") -> Action:
    return Action(id, keys, label, run, said, effect=Effect.CHANGE)


def _send(id: str, keys: str, label: str) -> Action:
    return Action(id, keys, label, effect=Effect.SEND)


def _anywhere(id: str, keys: str, label: str, run: str) -> Action:
    return Action(id, keys, label, run, in_key_line=False, priority=True)


def _move(id: str, keys: str, label: str, run: str) -> Action:
    return Action(id, keys, label, run, in_key_line=False, in_palette=False)


_TOGGLE = "Enable or disable"

ACTIONS: Sequence[Action] = (
    _hidden("app.registry", "1", "Registry", "switch_mode('registry')"),
    _hidden("app.project", "2", "Project", "switch_mode('project')"),
    _hidden("app.feed", "3", "Feed", "switch_mode('feed')"),
    _hidden("app.automations", "4", "Automations", "switch_mode('automations')"),
    _hidden("app.endpoints", "5", "Endpoints", "switch_mode('endpoints')"),
    _hidden("app.secrets", "S", "Secrets", "show_secrets"),
    _hidden("app.worker-log", "W", "Worker's log", "show_worker_log"),
    _hidden("app.end-tour", "0", "End the tour"),
    _change("app.undo", "u", "Undo", "undo_change", "Undo the last change made on this screen"),
    Action("app.help", "question_mark", "Help", shown_as="?"),
    Action("app.leave", "q", "Quit", help="Leave Firetower: press it twice"),
    Action("app.find", "ctrl+p", "Find anything", "command_palette", priority=True),
    _anywhere("app.quit", "ctrl+q", "Leave Firetower at once", "quit"),
    _anywhere("app.copy", "ctrl+c,super+c", "Copy what is selected", "copy_selection"),
    _anywhere("app.suspend", "ctrl+z", "Suspend, `fg` continues", "suspend_process"),
    _anywhere("app.redraw", "ctrl+l", "Redraw", "redraw"),
    Action("page.back", "q,escape,backspace", "Back"),
    _move("container.previous-tab", "h,left,left_square_bracket", "Previous tab", "tab(-1)"),
    _move("container.next-tab", "l,right,right_square_bracket", "Next tab", "tab(1)"),
    _change("container.create", "c", "Create"),
    Action("container.fold-feed", "f", "Fold feed"),
    Action("container.demo", "M", "Demo", help="Look at the demo, and come back here"),
    Action("list.filter", "slash", "Filter", shown_as="/"),
    _move("list.clear-filter", "escape,q", "Clear filter", "clear_filter"),
    _move("table.up", "up,k", "Up", "move(-1)"),
    _move("table.down", "down,j", "Down", "move(1)"),
    _move("table.page-up", "pageup", "Page up", "page(-1)"),
    _move("table.page-down", "pagedown", "Page down", "page(1)"),
    _move("table.first", "home,g", "First", "first"),
    _move("table.last", "end,G", "Last", "last"),
    _move("table.open", "enter", "Open", "choose"),
    Action("table.select", "v", "Select"),
    _hidden("table.select-range", "V", "Select up to here"),
    _hidden("table.sort-next", "greater_than_sign", "Sort by the next column", "sort(1)"),
    _hidden("table.sort-previous", "less_than_sign", "Sort by the column before", "sort(-1)"),
    _hidden("table.turn-order", "equals_sign", "Reverse the order"),
    _change("automations.new", "n", "New"),
    _change("automations.gallery", "N", "Gallery", said="Begin from the gallery"),
    _change("automations.edit", "e", "Edit"),
    _hidden("automations.duplicate", "D", "Duplicate", effect=Effect.CHANGE),
    _change("automations.toggle", "space", "Enable", "toggle_enabled", _TOGGLE),
    _change("automations.shadow", "s", "Shadow"),
    _send("automations.test", "t", "Test"),
    Action("automations.explain", "x", "Why"),
    _change("automations.delete", "d", "Delete"),
    _send("automations.redeliver", "r", "Redeliver"),
    _hidden("all-automations.failing", "f", "Failing", "only('failing')"),
    _hidden("all-automations.circuit-open", "o", "Circuit open", "only('circuit open')"),
    _hidden("all-automations.shadow", "z", "In shadow", "only('in shadow')"),
    _hidden("all-automations.disabled", "i", "Disabled", "only('disabled')"),
    _hidden("automations.copy-command", "Y", "Copy as a command"),
    _move("automation.back", "h,left", "Back", "back"),
    _change("automation.edit", "e", "Edit"),
    Action("automation.explain", "x", "Why"),
    _change("automation.restore", "R", "Restore"),
    _send("automation.test", "t", "Test"),
    _hidden("automation.duplicate", "D", "Duplicate", effect=Effect.CHANGE),
    _hidden("automation.copy", "y", "Copy as JSON"),
    _hidden("automation.copy-command", "Y", "Copy as a command"),
    Action("form.save", "ctrl+o,f2", "Save", priority=True),
    Action("form.test", "f6", "Test", help="Test the chosen endpoint", effect=Effect.SEND),
    Action("form.edit-text", "f5", "Editor", help="Edit the payload, message or filter in $EDITOR"),
    Action("form.filter-rows", "f7", "Filter", help="Write the filter as rows"),
    Action("form.scroll-down", "f3", "Preview ↓", "scroll_preview(1)"),
    _hidden("form.scroll-up", "f4", "Preview ↑", "scroll_preview(-1)"),
    _change("collections.new", "n", "New version"),
    _change("collections.tag", "t", "Tag"),
    _change("collections.automate", "w", "Automate", said="Automate what happens here"),
    _move("collection.back", "h,left", "Back", "back"),
    _change("collection.new", "n", "New version"),
    _change("collection.add-alias", "a", "Alias"),
    _hidden("collection.remove-alias", "A", "Remove alias", effect=Effect.CHANGE),
    _change("collection.add-tag", "t", "Tag"),
    _hidden("collection.remove-tag", "T", "Remove tag", effect=Effect.CHANGE),
    _change("collection.automate", "w", "Automate", said="Automate its aliases, or new versions"),
    _change("collection.link", "L", "Link"),
    _change("collection.unlink", "U", "Unlink"),
    _hidden("collection.copy", "y", "Copy reference"),
    Action("version.copy", "y", "Copy reference"),
    Action("version.copy-all", "Y", "Copy all"),
    Action("version.run", "r", "Run", help="Show the run that logged it"),
    _change("version.automate", "w", "Automate", said="Automate its aliases, or new versions"),
    Action("runs.metric", "m", "Metric", help="Choose the metric that is shown first"),
    _change("runs.automate", "w", "Automate", said="Automate the runs here"),
    _hidden("runs.copy", "y", "Copy reference"),
    Action("run.copy", "y", "Copy reference"),
    _change("run.automate", "w", "Automate", said="Automate the metric under the cursor"),
    _change("run.stop", "s", "Stop"),
    Action("executions.explain", "x", "Why"),
    _send("executions.redeliver", "r", "Redeliver"),
    Action("executions.go-to", "colon", "Go to time", shown_as=":"),
    _hidden("executions.copy", "y", "Copy"),
    _send("feed.redeliver-failed", "R", "Redeliver failed"),
    Action("execution.copy", "y", "Copy as curl"),
    Action("execution.explain", "x", "Why not others"),
    _send("execution.redeliver", "r", "Redeliver"),
    _change("endpoints.new-webhook", "n", "Webhook", "new('webhook')"),
    _change("endpoints.new-slack", "N", "Slack", "new('slack')"),
    _change("endpoints.edit", "e", "Edit"),
    _send("endpoints.test", "t", "Test"),
    _change("endpoints.toggle", "space", "Enable", "toggle_enabled", _TOGGLE),
    _send("endpoints.close-circuit", "c", "Close circuit"),
    _send("endpoints.redeliver-failed", "r", "Redeliver"),
    _change("endpoints.delete", "d", "Delete"),
    _move("endpoint.back", "h,left", "Back", "back"),
    _send("endpoint-test.test", "t", "Send test"),
    Action("endpoint-test.copy", "y", "Copy the answer"),
    _change("secrets.new", "n", "New secret"),
    _change("secrets.edit", "e", "New value"),
    _change("secrets.delete", "d", "Delete"),
    _move("help.back", "question_mark", "Back", "back"),
    _move("dialog.down", "down,j", "Scroll down", "scroll(1)"),
    _move("dialog.up", "up,k", "Scroll up", "scroll(-1)"),
    _move("dialog.page-down", "pagedown", "Page down", "scroll(8)"),
    _move("dialog.page-up", "pageup", "Page up", "scroll(-8)"),
    _move("buttons.next", "right,l", "Next button", "app.focus_next"),
    _move("buttons.previous", "left,h", "Previous button", "app.focus_previous"),
    _move("fields.next", "down", "Next field", "app.focus_next"),
    _move("fields.previous", "up", "Previous field", "app.focus_previous"),
)
"""All of them; the key line shows those of a screen in this order."""

_EFFECTS = frozenset(action.name for action in ACTIONS if action.effect is not Effect.NONE)

BY_ID: Mapping[str, Action] = {action.id: action for action in ACTIONS}


def bindings_of(*names: str) -> list[BindingType]:
    """Return the bindings of screens, and of single actions by their ids."""
    return [action.binding for action in ACTIONS if action.screen in names or action.id in names]


def row_actions(screen: str, *others: str) -> frozenset[str]:
    """Return Textual's names of a screen's actions for the row under the cursor: all but others."""
    names = {action.name for action in ACTIONS if action.screen == screen}
    return frozenset(names.difference(others))


def has_effect(run: str) -> bool:
    """Return whether one of Textual's actions does more than show something."""
    return run.partition("(")[0].rpartition(".")[2] in _EFFECTS


def is_key(text: str) -> bool:
    """Return whether a text names a key: `a`, `ctrl+a`, `f5`, `question_mark`."""
    *modifiers, name = text.split("+")
    if not set(modifiers) <= _MODIFIERS:
        return False
    if len(name) == 1:
        return name.isprintable() and name != " "
    return name in _NAMED or key_to_character(name) is not None
