"""Rules for names, aliases and tags.

Source: W&B's artifact names and aliases (no `/`, no `:`, at most 128 characters), and its limits
for automations, webhooks and secrets.
"""

import re
import unicodedata

from firetower.core.errors import InvalidInput
from firetower.core.text import quoted, shortened

MAX_NAME = 128
MAX_AUTOMATION_NAME = 255
MAX_INTEGRATION_NAME = 64

_INTEGRATION = re.compile(r"[-\w]+([ ]+[-\w]+)*")
_SECRET = re.compile(r"[A-Za-z0-9_]+")
_VERSION_LIKE = re.compile(r"v[0-9]+")
_BREAKING = frozenset({"Cc", "Cs", "Zl", "Zp"})


def check_name(name: str, what: str) -> str:
    """Return `name` if it can name a registry, project, entity, collection, alias or tag.

    Raises InvalidInput, naming `what` it was for.
    """
    shown = quoted(shortened(name, 40))
    if not name or name != name.strip():
        raise InvalidInput(
            f"{what} {shown} is empty or has spaces around it",
            f"Give a {what} with a visible first and last character.",
        )
    if len(name) > MAX_NAME:
        raise InvalidInput(
            f"{what} {shown} has {len(name):,} characters",
            f"Use at most {MAX_NAME} characters.",
        )
    if forbidden := next((c for c in name if c in "/:"), None):
        raise InvalidInput(
            f'{what} {shown} contains "{forbidden}"',
            'Leave out "/" and ":": they separate the parts of a reference.',
        )
    if any(unicodedata.category(character) in _BREAKING for character in name):
        raise InvalidInput(
            f"{what} {shown} contains a control character",
            "Use printable characters only.",
        )
    return name


def is_version_like(alias: str) -> bool:
    """Return whether the alias looks like a version, `v0`, `v1`, …."""
    return _VERSION_LIKE.fullmatch(alias) is not None


def check_alias(alias: str) -> str:
    """Return `alias` if a person may set it by hand.

    `latest` and `v0`-like aliases belong to the catalog, as in W&B. Raises InvalidInput.
    """
    check_name(alias, "alias")
    if alias == "latest":
        raise InvalidInput(
            'alias "latest" is moved by logging a version',
            "Log the version again, or choose another alias.",
        )
    if is_version_like(alias):
        raise InvalidInput(
            f"alias {quoted(alias)} looks like a version number",
            "Versions get their v-number by themselves; choose a word.",
        )
    return alias


def check_automation_name(name: str) -> str:
    """Return `name` if it can name an automation. Raises InvalidInput."""
    if not name.strip() or any(unicodedata.category(c) in _BREAKING for c in name):
        raise InvalidInput(
            f"automation name {quoted(shortened(name, 40))} is empty or has control characters",
            "Give it a name that can be read on one line.",
        )
    if len(name) > MAX_AUTOMATION_NAME:
        raise InvalidInput(
            f"automation name has {len(name):,} characters",
            f"Use at most {MAX_AUTOMATION_NAME} characters.",
        )
    return name


def check_integration_name(name: str) -> str:
    """Return `name` if it can name a webhook or a Slack hook. Raises InvalidInput."""
    if len(name) > MAX_INTEGRATION_NAME or not _INTEGRATION.fullmatch(name):
        raise InvalidInput(
            f"integration name {quoted(shortened(name, 80))} is not allowed",
            f"Use letters, digits, - and _, with single words apart by spaces, "
            f"at most {MAX_INTEGRATION_NAME} characters.",
        )
    return name


def check_secret_name(name: str) -> str:
    """Return `name` if it can name a secret. Raises InvalidInput."""
    if len(name) > MAX_NAME or not _SECRET.fullmatch(name):
        raise InvalidInput(
            f"secret name {quoted(shortened(name, 40))} is not allowed",
            f"Use letters, digits and _, at most {MAX_NAME} characters.",
        )
    return name
