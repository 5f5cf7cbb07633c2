"""The Registry screen."""

from typing import ClassVar

from firetower.core.references import ContainerKind
from firetower.tui.screens.container import ContainerScreen


class RegistryScreen(ContainerScreen):
    """The registries: Collections, Automations, History."""

    KIND: ClassVar = ContainerKind.REGISTRY
    FIRST_TAB: ClassVar = "collections"
    EMPTY: ClassVar = "No registry yet.\nPress c to make one."
