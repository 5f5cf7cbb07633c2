"""The user's theme and keys, from a TOML file in the config folder."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from firetower.core.errors import InvalidInput
from firetower.core.text import nearest, quoted, visible
from firetower.tui.actions import ACTIONS, is_key
from firetower.tui.themes import NAMES

ALERTS = ("off", "bell", "notify")


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of the file, or their defaults."""

    # Not a pydantic model: importing pydantic would delay the first paint by 0.1 s.

    theme: str = "dark"
    keys: Mapping[str, str] = field(default_factory=dict)
    """The keys of an action by its id, several of them with commas between."""
    alerts: str = "off"
    """How a failure or an opened circuit is told outside the app: off, bell or notify."""


def read_config(path: Path) -> Config:
    """Read the file, if there is one. Raises InvalidInput."""
    try:
        if path.exists() and not path.is_file():  # a pipe or a device may have no end
            raise OSError("it is no file")
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Config()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}", "Fix it or remove it.") from None
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{path} is not TOML: {error}", "Fix it or remove it.") from None
    try:
        _check_names("setting", data, {"theme", "alerts", "keys"})
        config = Config(data.get("theme", "dark"), data.get("keys", {}), data.get("alerts", "off"))
        _check_choice("theme", config.theme, list(NAMES))
        _check_choice("alert", config.alerts, ALERTS)
        _check_keys(config.keys)
    except InvalidInput as error:
        raise InvalidInput(f"{path}: {error.message}", error.hint) from None
    return config


def _check_choice(what: str, given: object, choices: Sequence[str]) -> None:
    if given not in choices:
        raise InvalidInput(
            f"there is no {what} {quoted(given)}", f"Choose one of {', '.join(choices)}."
        )


def _check_keys(keys: Mapping[str, str]) -> None:
    if not isinstance(keys, dict) or not all(isinstance(key, str) for key in keys.values()):
        raise InvalidInput("[keys] is not a table of texts", 'Write it as "automations.new" = "a".')
    _check_names("key", keys, {action.id for action in ACTIONS})
    for name, text in keys.items():
        for key in text.split(","):
            if not is_key(key.strip()):
                raise InvalidInput(
                    f"{name} has {quoted(key.strip())}, which is no key",
                    "Write a, ctrl+a, f5 or question_mark; several with commas between.",
                )
    taken: dict[tuple[str, str], str] = {}
    for action in ACTIONS:
        for key in keys.get(action.id, action.keys).split(","):
            other = taken.setdefault((action.screen, key.strip()), action.id)
            if other != action.id:
                raise InvalidInput(
                    f"{other} and {action.id} both have the key {key.strip()}",
                    "Give one of them another.",
                )


def _check_names(what: str, given: Mapping[str, object], known: set[str]) -> None:
    for name in given:
        if name not in known:
            close = nearest(name, known)
            hint = f"Did you mean {close}?" if close else f"There are {', '.join(sorted(known))}."
            raise InvalidInput(f"there is no {what} {visible(name)}", hint)
