"""Every key of the app, from the bindings themselves: for help, for rebinding, for the README."""

import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

from textual.binding import Binding
from textual.dom import DOMNode

import firetower.tui


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
    """Return every key with an id, by id."""
    found = {
        binding.id: Key(binding.id, binding.key, binding.description, owner.__name__)
        for owner in _owners()
        for binding in owner.__dict__.get("BINDINGS", ())
        if isinstance(binding, Binding) and binding.id
    }
    return [found[name] for name in sorted(found)]


def key_ids() -> set[str]:
    """Return the ids by which keys can be changed."""
    return {key.id for key in all_keys()}


def _owners() -> Iterator[type[DOMNode]]:
    package = firetower.tui
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        for _, value in inspect.getmembers(import_module(module.name), inspect.isclass):
            if issubclass(value, DOMNode) and value.__module__ == module.name:
                yield value
