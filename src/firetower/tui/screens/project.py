"""The Project screen."""

from typing import ClassVar

from firetower.core.references import ContainerKind
from firetower.tui.screens.container import ContainerScreen


class ProjectScreen(ContainerScreen):
    """The projects: Artifacts, Automations, History."""

    KIND: ClassVar = ContainerKind.PROJECT
    FIRST_TAB: ClassVar = "artifacts"
    EMPTY: ClassVar = "No project yet.\nPress c to make one, or log a version into one."
