"""The user's theme and keys, from a TOML file in the config folder."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from firetower.core.errors import InvalidInput
from firetower.core.text import nearest, quoted, visible
from firetower.tui.actions import ACTIONS, is_key
from firetower.tui.themes import NAMES


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of the file, or their defaults."""

    # Not a pydantic model: importing pydantic would delay the first paint by 0.1 s.

    theme: str = "dark"
    keys: Mapping[str, str] = field(default_factory=dict)
    """The keys of an action by its id, several of them with commas between."""


def read_config(path: Path) -> Config:
    """Read the file, if there is one. Raises InvalidInput."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Config()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}", "Fix it or remove it.") from None
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{path} is not TOML: {error}", "Fix it or remove it.") from None
    _check_names(path, data, {"theme", "keys"}, "setting")
    return Config(_theme(path, data.get("theme", "dark")), _keys(path, data.get("keys", {})))


def _theme(path: Path, theme: object) -> str:
    if not isinstance(theme, str) or theme not in NAMES:
        raise InvalidInput(
            f"{path}: there is no theme {quoted(theme)}", f"Choose one of {', '.join(NAMES)}."
        )
    return theme


def _keys(path: Path, keys: object) -> dict[str, str]:
    if not isinstance(keys, dict) or not all(isinstance(key, str) for key in keys.values()):
        raise InvalidInput(
            f"{path}: [keys] is not a table of texts", 'Write it as "automations.new" = "a".'
        )
    if keys:
        _check_keys(path, keys)
    return keys


def _check_keys(path: Path, keys: Mapping[str, str]) -> None:
    _check_names(path, keys, {action.id for action in ACTIONS}, "key")
    for name, said in keys.items():
        for key in said.split(","):
            if not is_key(key.strip()):
                raise InvalidInput(
                    f"{path}: {name} has {quoted(key.strip())}, which is no key",
                    "Write a, ctrl+a, f5 or question_mark; several with commas between.",
                )
    taken: dict[tuple[str, str], str] = {}
    for action in ACTIONS:
        for key in keys.get(action.id, action.keys).split(","):
            other = taken.setdefault((action.screen, key.strip()), action.id)
            if other != action.id:
                raise InvalidInput(
                    f"{path}: {other} and {action.id} both have the key {key.strip()}",
                    "Give one of them another.",
                )


def _check_names(path: Path, said: Mapping[str, Any], known: set[str], what: str) -> None:
    for name in said:
        if name not in known:
            close = nearest(name, known)
            raise InvalidInput(
                f"{path}: there is no {what} {visible(name)}",
                f"Did you mean {close}?" if close else f"There are {', '.join(sorted(known))}.",
            )
