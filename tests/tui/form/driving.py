"""Going through the form as a person does: by keys, or by mouse."""

from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from firetower.core.automations import Automation
from firetower.tui.form.screen import FormScreen
from firetower.tui.widgets.automations import AutomationList
from firetower.tui.widgets.entries import Choice
from tui.scene import Scene
from tui.screens import press, settled, write


async def new_form(pilot: Pilot[None], mode: str = "1") -> FormScreen:
    """Open the form of a new automation in the busiest registry, or project with mode 2."""
    await press(pilot, mode)
    if not pilot.app.screen.query_one(AutomationList).table.has_focus:
        await press(pilot, "enter")
    await press(pilot, "n")
    return form_of(pilot)


def form_of(pilot: Pilot[None]) -> FormScreen:
    screen = pilot.app.screen
    assert isinstance(screen, FormScreen)
    return screen


def focused(pilot: Pilot[None]) -> str | None:
    """Return the id of what has the focus."""
    found = pilot.app.screen.focused
    return None if found is None else found.id


async def to(pilot: Pilot[None], field: str, key: str = "") -> None:
    """Go to a field; by a key, pressed until the field has the focus, where one is given."""
    if not key:
        pilot.app.screen.query_one(f"#{field}").focus()
        await settled(pilot)
        return
    for _ in range(20):
        if focused(pilot) == field:
            return
        await pilot.press(key)
    raise AssertionError(f"{key} never comes to {field}, but to {focused(pilot)}")


async def fill(pilot: Pilot[None], *, by: str = "", **texts: str) -> None:
    """Fill lines in, gone to by a key in the form's order if one is given; _ stands for -."""
    for name, text in texts.items():
        await to(pilot, name.replace("_", "-"), by)
        await write(pilot, text)


async def choose(pilot: Pilot[None], field: str, label: str, *, by: str = "") -> None:
    """Choose a value by keys."""
    await to(pilot, field, by)
    await press(pilot, "enter")
    options = open_list(pilot, field)
    for _ in range(20):
        assert options.highlighted_option is not None
        if str(options.highlighted_option.prompt).split("  ")[0] == label:
            break
        await pilot.press("down")
    await press(pilot, "enter")


def open_list(pilot: Pilot[None], field: str) -> OptionList:
    """Return the list that a choice has opened."""
    choice = pilot.app.screen.query_one(f"#{field}", Choice)
    assert choice.expanded
    return choice.query_one(OptionList)


async def click(pilot: Pilot[None], what: str, offset: tuple[int, int] = (0, 0)) -> None:
    """Click, having scrolled there as a wheel would."""
    pilot.app.screen.query_one(what).scroll_visible(animate=False)
    await settled(pilot)
    await pilot.click(what, offset=offset)
    await settled(pilot)


def value(pilot: Pilot[None], line: str) -> str:
    return pilot.app.screen.query_one(f"#{line}", Input).value


def automation(scene: Scene, name: str) -> Automation:
    return scene.tower.automations.get(name)
