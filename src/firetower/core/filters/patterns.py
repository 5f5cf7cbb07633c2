"""Regular expressions by RE2: matching takes linear time, so no pattern can hang the worker."""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, TypeAlias

import re2
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from firetower.core.errors import InvalidInput
from firetower.core.text import quoted, shortened, visible

Search: TypeAlias = Callable[[str], bool]
"""Tells whether an expression matches anywhere in a text."""

# One that stands for itself, or one of ASCII's punctuation marks behind a backslash.
_CHARACTER = r"(?:[^\\.+*?()|\[\]{}^$\ud800-\udfff]|\\[!-/:-@\[-`{-~])"
_PLAIN = re.compile(
    rf"(?P<start>\^?)"
    rf"(?:(?P<one>{_CHARACTER}*)|\((?:\?:)?(?P<choice>{_CHARACTER}*(?:\|{_CHARACTER}*)*)\))"
    rf"(?:(?P<end>\$)|(?:\.\*)?)"
)
_CHOSEN = re.compile(rf"(?:^|\|)({_CHARACTER}*)")
_ESCAPED = re.compile(r"\\(.)")


def plain_search(source: str) -> Search | None:
    """Return the search for `prod`, `^prod`, `prod$`, `^(staging|prod)$` and their like.

    Most automations ask for one of these, and `str` answers ten times as fast as RE2. Returns
    None for an expression that says more.
    """
    found = _PLAIN.fullmatch(source)
    if found is None:
        return None
    chosen = [found["one"]] if found["choice"] is None else _CHOSEN.findall(found["choice"])
    texts = tuple(map(_unescaped, chosen))
    match bool(found["start"]), bool(found["end"]):
        case True, True:
            return frozenset(texts).__contains__
        case True, False:
            return lambda text: text.startswith(texts)
        case False, True:
            return lambda text: text.endswith(texts)
    return lambda text: any(part in text for part in texts)


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


MAX_PATTERN = 1_000
"""Characters of a pattern."""


class Pattern:
    """A regular expression in RE2's syntax, searched for anywhere in the text.

    Raises InvalidInput when made from an expression that RE2 refuses.
    """

    __slots__ = ("search", "source")

    search: Search
    """Returns whether the expression matches anywhere in a text."""

    def __init__(self, source: str) -> None:
        self.source = source
        if len(source) > MAX_PATTERN:
            raise InvalidInput(
                f"the regex has {len(source):,} characters", f"Use at most {MAX_PATTERN:,}."
            )
        self.search = plain_search(source) or re2_search(source)

    def __str__(self) -> str:
        return self.source

    def __repr__(self) -> str:
        return f"Pattern({self.source!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pattern) and other.source == self.source

    def __hash__(self) -> int:
        return hash(self.source)

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
    """Regular expressions that are searched for all at once; of what `Pattern` accepts."""

    def __init__(self, sources: Sequence[str], *, max_memory: int = 256 << 20) -> None:
        self._sources = sources
        compiled = re2.Set.SearchSet(_options(max_memory))
        for source in sources:
            compiled.Add(_encoded(source))
        # The empty expression matches every text: if it is not found, RE2 was short of memory.
        compiled.Add(b"")
        self._set = None  # RE2 crashes when it searches for a set that it could not compile
        with suppress(re2.error):
            compiled.Compile()
            self._set = compiled

    def matching(self, text: str) -> list[int]:
        """Return the places of the expressions that match anywhere in a text, in any order."""
        found = None if self._set is None else self._set.Match(_encoded(text))
        if not found:
            return [place for place, one in enumerate(self._sources) if Pattern(one).search(text)]
        return [place for place in found if place < len(self._sources)]


def re2_search(source: str) -> Search:
    """Return RE2's own search for an expression. Raises InvalidInput when RE2 refuses it."""
    search = _compiled(source).search
    return lambda text: search(_encoded(text)) is not None


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _options(max_memory: int = 8 << 20) -> Any:  # noqa: ANN401 - google-re2 ships no types
    options = re2.Options()
    options.log_errors = False  # RE2 would write to stderr, across the screen
    options.never_nl = False
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
            "RE2 has no look-around and no back-references; write it without them.",
        ) from None
