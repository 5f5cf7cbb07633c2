"""Regular expressions by RE2: matching takes linear time, so no pattern can hang the worker."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from firetower.core.errors import InvalidInput
from firetower.core.references import one_spelling
from firetower.core.text import quoted, shortened, visible

_LOOKS_AROUND = "RE2 has no look-around and no back-references; write it without them."
_PERL_ONLY = re.compile(r"operator: \(\?([=!>]|<[=!]|P$)|sequence: \\([1-9]|k|g)")
"""What RE2 says of look-around, atomic groups and back-references."""
MAX_PATTERN = 1_000
"""Characters of a pattern."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression in RE2's syntax, searched for anywhere in the text.

    Raises InvalidInput when made from an expression that RE2 refuses.
    """

    source: str

    def __post_init__(self) -> None:
        if len(self.source) > MAX_PATTERN:
            raise InvalidInput(
                f"the regex has {len(self.source):,} characters", f"Use at most {MAX_PATTERN:,}."
            )
        object.__setattr__(self, "source", one_spelling(self.source))
        _compiled(self.source)

    def search(self, text: str) -> bool:
        """Return whether the expression matches anywhere in a text."""
        return _compiled(self.source).search(_encoded(text)) is not None

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where the expression matches, as places in the text; matches of nothing are not."""
        data = _encoded(text)
        for match in _compiled(self.source).finditer(data):
            first, last = match.span()
            if last > first:
                yield _characters(data[:first]), _characters(data[:last])

    def __str__(self) -> str:
        return self.source

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source_type: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Let models hold patterns and write them as their text."""
        return core_schema.union_schema(
            [
                core_schema.is_instance_schema(cls),
                core_schema.no_info_after_validator_function(cls, core_schema.str_schema()),
            ],
            serialization=core_schema.to_string_ser_schema(),
        )


class PatternSet:
    """Regular expressions, by their ids, that are searched for all at once."""

    def __init__(self, sources: Mapping[int, str], *, max_memory: int = 256 << 20) -> None:
        self._sources = sources
        self._ids = list(sources)
        compiled = re2.Set.SearchSet(_options(max_memory))
        for source in sources.values():
            compiled.Add(_encoded(source))
        # The empty expression matches every text: if it is not found, RE2 was short of memory.
        compiled.Add(b"")
        self._set = None  # RE2 crashes when it searches for a set that it could not compile
        with suppress(re2.error):
            compiled.Compile()
            self._set = compiled

    def matching(self, text: str) -> list[int]:
        """Return the ids of the expressions that match anywhere in a text, in any order."""
        places = None if self._set is None else self._set.Match(_encoded(text))
        if not places:
            return [id_ for id_, one in self._sources.items() if Pattern(one).search(text)]
        return [self._ids[place] for place in places if place < len(self._ids)]


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _characters(data: bytes) -> int:
    return len(data.decode("utf-8", "ignore"))


def _options(max_memory: int = 8 << 20) -> Any:  # noqa: ANN401 - google-re2 ships no types
    options = re2.Options()
    options.log_errors = False  # RE2 would write to stderr, across the screen
    options.max_mem = max_memory
    return options


@lru_cache(maxsize=4096)
def _compiled(source: str) -> Any:  # noqa: ANN401 - google-re2 ships no types
    try:
        return re2.compile(_encoded(source), _options())
    except re2.error as error:
        said = error.args[0] if error.args else error
        reason = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise InvalidInput(
            f"RE2 refuses the regex {quoted(shortened(source, 60))}: {visible(reason)}",
            _LOOKS_AROUND
            if _PERL_ONLY.search(reason)
            else "Correct it; RE2 takes a special character as it is after a backslash.",
        ) from None
