"""Every key of the app, from the bindings themselves: for help, for rebinding, for the README."""

import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import REPLACED_KEYS, Keys, key_to_character

import firetower.tui

_MODIFIERS = {"ctrl", "shift", "alt", "meta", "super", "hyper"}
_NAMED = {key.value for key in Keys if key.value.isalnum()} | set(REPLACED_KEYS)


@dataclass(frozen=True, slots=True)
class Key:
    """One action that has keys."""

    id: str
    keys: str
    """As the bindings write them, several with commas between."""
    does: str
    where: str
    """The class whose binding it is."""


def all_keys() -> list[Key]:
    """Return every key with an id, by id; what is done in two places has one id in both."""
    found = {
        (binding.id, owner.__name__): Key(
            binding.id, binding.key, binding.description, owner.__name__
        )
        for owner in _owners()
        for binding in owner.__dict__.get("BINDINGS", ())
        if isinstance(binding, Binding) and binding.id
    }
    return [found[place] for place in sorted(found)]


def is_key(text: str) -> bool:
    """Return whether a text names a key: `a`, `ctrl+a`, `f5`, `question_mark`."""
    *modifiers, name = text.split("+")
    if not set(modifiers) <= _MODIFIERS:
        return False
    if len(name) == 1:
        return name.isprintable() and name != " "
    return name in _NAMED or key_to_character(name) is not None


def _owners() -> Iterator[type[DOMNode]]:
    package = firetower.tui
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        for _, value in inspect.getmembers(import_module(module.name), inspect.isclass):
            if issubclass(value, DOMNode) and value.__module__ == module.name:
                yield value
