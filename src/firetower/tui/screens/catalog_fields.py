"""What the catalog's dialogs share: how their fields are read, and the fields themselves."""

from firetower.core.metadata import words_of
from firetower.core.references import check_alias, check_name
from firetower.tui.widgets.field import Field, TextField

COMMAS = "separated by commas"


def names_of(text: str) -> list[str]:
    """Split names separated by commas."""
    return [name for part in text.split(",") if (name := part.strip())]


def check_tags(text: str) -> None:
    """Refuse what is no tag. Raises InvalidInput."""
    for name in names_of(text):
        check_name(name, "tag")


def check_aliases(text: str) -> None:
    """Refuse what is no alias. Raises InvalidInput."""
    for name in names_of(text):
        check_alias(name)


def metadata_words(text: str) -> list[str]:
    """Return metadata as the command line takes it: one JSON object, or words `KEY=VALUE`."""
    return [text] if text.startswith("{") else words_of(text)


def aliases_field(*, required: bool = False, note: str = "") -> Field:
    """Return the field for aliases."""
    return TextField(
        "aliases",
        "Aliases",
        placeholder=f"staging  ({COMMAS})",
        required=required,
        check=check_aliases,
        note=note,
    )


def tags_field() -> Field:
    """Return the field for tags."""
    return TextField(
        "tags",
        "Tags",
        placeholder=f"reviewed  ({COMMAS})",
        required=False,
        check=check_tags,
    )
