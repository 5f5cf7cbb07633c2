"""Check the arguments of the Python API by their annotations, before anything is done."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, wraps
from inspect import unwrap
from itertools import zip_longest
from types import UnionType
from typing import Any, ParamSpec, TypeVar, Union, get_args, get_origin

from firetower.core.errors import InvalidInput
from firetower.core.json import items_of
from firetower.core.text import MAX_DIGITS, TOO_LARGE, storable

P = ParamSpec("P")
T = TypeVar("T")


def checked(method: Callable[P, T], *, is_method: bool = False) -> Callable[P, T]:
    """Refuse arguments of another type than a function or method declares, in two lines."""
    code, types = unwrap(method).__code__, dict(method.__annotations__)
    names = code.co_varnames[: code.co_argcount]
    if is_method:
        types.pop(names[0], None)  # self, or the transaction that is opened for it
    text_types = (str, str | None, str | int, Sequence[str])
    texts = {name for name, declared in types.items() if declared in text_types}
    star_args = code.co_varnames[code.co_argcount + code.co_kwonlyargcount :][:1]  # `*args`

    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        named = zip_longest(names[: len(args)], args, fillvalue=star_args and star_args[0])
        for name, value in (*named, *kwargs.items()):
            if name in types and not _fits(value, types[name]):
                raise InvalidInput(
                    f"{name} cannot be {_kind(value)}",
                    f"See help({method.__module__}.{method.__qualname__}).",
                )
            if name in texts:
                for text in value if isinstance(value, list | tuple) else (value,):
                    if isinstance(text, str):
                        check_storable(text, str(name))
        return method(*args, **kwargs)

    return call


def check_storable(text: str, what: str) -> str:
    """Return a text if every database can keep it. Raises InvalidInput."""
    if storable(text) != text:
        raise InvalidInput(
            f"{what} has a character that no database keeps", "Leave out NUL and surrogates."
        )
    return text


def iterate(values: Iterable[T], what: str) -> Iterator[T]:
    """Return an iterator over values. Raises InvalidInput where there is none."""
    try:
        return iter(values)
    except TypeError:  # NumPy calls an array without a dimension an Iterable
        raise InvalidInput(f"{what} cannot be {_kind(values)}", "Give a list.") from None


def _fits(value: object, declared: Any) -> bool:  # noqa: ANN401 - an annotation
    if isinstance(declared, str):
        return True  # the name of what only the method itself imports, and reads
    if declared is str:
        return isinstance(value, str)
    kind, parts = _shape(declared)
    if kind in {Union, UnionType}:
        return (isinstance(value, str) and str in parts) or any(_fits(value, one) for one in parts)
    match value:
        case datetime(tzinfo=None):
            fits = False
        case bool():
            fits = kind is bool
        case int() if abs(value) >= TOO_LARGE:
            fits = False  # no error could name it
        case bytes() | Mapping() if kind in {Iterable, Sequence}:
            fits = False
        case Mapping() if parts == (str, str):
            fits = all(isinstance(one, str) for pair in items_of(value, "it") for one in pair)
        case Sequence() if parts == (int,) or declared == Sequence[str]:
            fits = not isinstance(value, str) and all(isinstance(one, parts[0]) for one in value)
        case _:
            fits = isinstance(value, kind)
    return fits


@lru_cache
def _shape(declared: Any) -> tuple[Any, tuple[Any, ...]]:  # noqa: ANN401 - an annotation
    return get_origin(declared) or declared, get_args(declared)


def _kind(value: object) -> str:
    """Say of what type a value is; the value itself may be a secret."""
    if isinstance(value, datetime) and value.tzinfo is None:
        return "a datetime without a time zone"
    if isinstance(value, int) and abs(value) >= TOO_LARGE:
        return f"a number of more than {MAX_DIGITS:,} digits"
    return "None" if value is None else f"of type {type(value).__name__}"
