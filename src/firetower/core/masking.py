"""Find secrets in text: as they are, and in any spelling in which an answer gives them back."""

import html
import json
import re
import zlib
from base64 import b32decode, b32hexdecode, b64decode, urlsafe_b64decode
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Any
from unicodedata import normalize
from urllib.parse import unquote

_PREFIX = "whsec_"
_SHORTEST = 4
"""Characters from which a spelling has a secret in it, and no other text by chance."""
_SHORTEST_PATH = 8
"""Characters from which a path says more than an ordinary word does."""
_BEGINNING = 8
"""Characters by which a secret is known that was cut off."""
_HALVED_FROM = 16
"""Characters of a secret of which one half says too much already."""
_MAX_DECODED = 2**19
"""Characters that are decoded of one answer: one with more is taken to hold a secret."""
_MAX_MEMORY = 2**26
"""Bytes that unpacking may take."""
_MAX_TURNED = 1_000
"""Characters of the beginning, all that is kept of an answer, that are read in odd ways too."""

_ESCAPE = re.compile(
    r"\\u\{([0-9A-Fa-f]{1,6})\}|[\\%]u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})"
    r"|\\x([0-9A-Fa-f]{2})|\\(?P<octal>[0-7]{1,3})|\\(?P<other>.)",
    re.DOTALL,
)
_CSS = re.compile(r"\\([0-9A-Fa-f]{1,6})\s?")
_QUOTED = re.compile("=(?:([0-9A-Fa-f]{2})|\r?\n)")
"""Quoted-printable, as in mail: a byte, or a line that continues."""
_SURROGATES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_SEPARATORS = re.compile("[\x00-/:-@\\[-`{-\x7f\u00ad\u200b-\u200f\u2060\ufeff]+")
"""ASCII but letters and digits: spellings differ in it, as `+` for a space. What is not seen."""


@dataclass(frozen=True, slots=True)
class _Encoding:
    """Text in groups of characters that stand for bytes."""

    run: re.Pattern[str]
    between: re.Pattern[str]
    """What may stand between its characters."""
    decode: Callable[[str], bytes]
    group: int
    zero: str = "A"


_UU = {32 + value: one for value, one in enumerate(f"{ascii_uppercase}{ascii_lowercase}{digits}+/")}
_UU[ord("`")] = "A"


def _from_uu(text: str) -> bytes:
    return b64decode(text.translate(_UU))


_SPACE = re.compile(r"""\s+|["'`]\s*[+,]?\s*["'`]""")
"""What may stand in a long word: line breaks, and strings that are joined."""
_ENCODINGS = (
    _Encoding(re.compile(r"[A-Za-z0-9+/_-]{6,}"), _SPACE, urlsafe_b64decode, 4),
    _Encoding(re.compile(r"[0-9A-Fa-f]{8,}"), re.compile(r"0x|\W+"), bytes.fromhex, 2, "0"),
    _Encoding(re.compile(r"[A-Z2-7]{8,}"), _SPACE, b32decode, 8),
    _Encoding(re.compile(r"[A-V0-9]{8,}"), _SPACE, b32hexdecode, 8, "0"),
    # uuencode, in which the first character of a line is its length
    _Encoding(re.compile(r"[ -`]{8,}"), re.compile("(?!)"), _from_uu, 4, " "),
    # Not between spaces: all prose would be.
    _Encoding(
        re.compile(r"[a-z2-7]{16,}"), re.compile("(?!)"), partial(b32decode, casefold=True), 8
    ),
)
_BASES_85 = tuple(
    (re.compile(f"[{re.escape(digits)}]{{10,}}"), {one: value for value, one in enumerate(digits)})
    for digits in (
        "".join(map(chr, range(33, 118))),  # Ascii85
        f"{digits}{ascii_uppercase}{ascii_lowercase}!#$%&()*+-;<=>?@^_`{{|}}~",  # RFC 1924, as git
        f"{digits}{ascii_lowercase}{ascii_uppercase}.-:+=^!/*?&<>()[]{{}}@%$#",  # ZeroMQ
    )
)
_BITS = re.compile("[01]{8}")
_ROT13 = {
    ord(one): letters[(place + 13) % 26]
    for letters in (ascii_lowercase, ascii_uppercase)
    for place, one in enumerate(letters)
}
_ROT47 = {code: 33 + (code + 14) % 94 for code in range(33, 127)}
_NUMBERS = re.compile(r"\d{1,3}(?:[\s,;]+\d{1,3}){3,}")
_COMPRESSED = re.compile(
    rb"(?P<zlib>\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda])"
    rb"|(?P<bz2>BZh\d)|(?P<lzma>\xfd7zXZ|\x5d\0)"
)
"""How what is compressed begins."""
_ASCII_RUN = re.compile(r"[\t\n\r -~]{8,}")


def signing_key(secret: str) -> bytes:
    """Return the key of a secret: the bytes in `whsec_` and base64, or its UTF-8 bytes.

    It is read as the package `standardwebhooks` reads it, with or without padding and of any
    length: what a receiver cannot verify is lost.
    """
    if secret.startswith(_PREFIX):
        try:
            key = b64decode(secret.removeprefix(_PREFIX) + "==")
        except ValueError:
            key = b""
        if key:
            return key
    return secret.encode()


def masked_forms(secret: str) -> set[str]:
    """Return how a secret may stand in a request that Firetower wrote; of a URL also its path."""
    parts = {secret, *_paths(secret)}
    return parts | {json.dumps(part)[1:-1] for part in parts}


def holds_secret(text: str, secrets: Iterable[str], *, cut: bool = False) -> bool:
    """Return whether `text` gives back a secret, or half of one, in any spelling.

    With `cut` the text is only a beginning, and the beginning of a secret counts too.
    """
    values = {secret for secret in secrets if secret}
    if any(value in text for value in values):
        return True
    needles = {needle for value in values for needle in _needles(value, cut)}
    if not needles or len(text) < min(map(len, needles)):
        return False
    left = _MAX_DECODED
    for view in _views(text):
        left -= len(view)
        if left < 0 or any(needle in view for needle in needles):
            return True
    return False


@lru_cache(maxsize=1_000)
def _needles(secret: str, cut: bool) -> frozenset[str]:  # noqa: FBT001 - cached by position
    wholes = _paths(secret) or {secret}
    if secret.startswith(_PREFIX):
        wholes |= {secret.removeprefix(_PREFIX), _as_text(signing_key(secret))}
    wholes |= {whole.translate(turned) for whole in wholes for turned in (_ROT13, _ROT47)}
    plain = {form for whole in wholes for form in (_squeeze(whole), _squeeze(_unescape(whole)))}
    found = {form for form in plain if len(form) >= _SHORTEST}
    for form in tuple(found):
        if len(form) >= _HALVED_FROM:
            found |= {form[: len(form) // 2], form[len(form) // 2 :]}
        if cut:
            found.add(form[:_BEGINNING])
    return frozenset(found | {form[::-1] for form in found})


def _paths(secret: str) -> set[str]:
    """Return the path of a URL: "not found" pages tell which one they mean."""
    if not secret.startswith(("http://", "https://")):
        return set()
    path = "/" + secret.partition("://")[2].partition("/")[2]
    return {part for part in (path, path.partition("?")[0]) if len(part) >= _SHORTEST_PATH}


def _views(text: str) -> Iterator[str]:
    """Yield what a text says, and what is said by each text encoded in it, without separators."""
    waiting, seen = [text], set[str]()
    while waiting:
        text = waiting.pop()
        if not text or text in seen:
            continue
        seen.add(text)
        yield _squeeze(text)
        waiting += _readings(text)
        for decoded in _decoded(text):
            yield _squeeze(decoded)
            # What is encoded or escaped in that is ASCII; decoded by chance, little is.
            waiting.append("\n".join(_ASCII_RUN.findall(decoded.replace("\0", ""))))


def _readings(text: str) -> Iterator[str]:
    """Yield what a text says to one who undoes its escapes, or reads it backwards."""
    yield _unescape(text)
    for escape in (_QUOTED, _CSS):
        if escape.search(text):
            yield escape.sub(lambda found: _chr(found[1] or "0"), text)
    if len(text) <= 6 * _MAX_TURNED:  # one step alone: the next may be another reading
        yield html.unescape(unquote(text, errors="surrogateescape"))
        yield _ESCAPE.sub(_character, text)
    yield text[:_MAX_TURNED][::-1]
    yield normalize("NFKC", text).replace("\0", "").replace("\ufffd", "")
    if not text.isascii():  # UTF-8 that was read as another encoding
        yield text.encode("latin-1", "ignore").decode("utf-8", "ignore")


def _decoded(text: str) -> Iterator[str]:
    """Yield what the encoded parts of a text say, wherever in them the first group begins."""
    for encoding in _ENCODINGS:
        runs = encoding.run.findall(encoding.between.sub("", text))
        for shift in range(encoding.group if runs else 0):
            whole = (
                run[shift:] + encoding.zero * ((shift - len(run)) % encoding.group) for run in runs
            )
            decoded = encoding.decode("".join(whole))
            yield _as_text(decoded)
            yield from map(_as_text, _decompressed(decoded))
    numbers = "".join(_NUMBERS.findall(text))
    for base in (10, 8):
        found = re.findall(r"[0-7]+" if base == 8 else r"\d+", numbers)
        yield _as_text(bytes(int(number, base) & 255 for number in found))
    yield _as_text(bytes(int(bits, 2) for bits in _BITS.findall(text)))
    if len(text) <= _MAX_TURNED:
        for pattern, values in _BASES_85:
            for run in pattern.findall(text):
                codes = [values[one] for one in run]
                yield "\n".join(_as_text(_from_base_85(codes[shift:])) for shift in range(5))


def _from_base_85(digits: list[int]) -> bytes:
    digits = [*digits, *[84] * (-len(digits) % 5)]
    groups = zip(*(digits[place::5] for place in range(5)), strict=True)
    numbers = ((((a * 85 + b) * 85 + c) * 85 + d) * 85 + e for a, b, c, d, e in groups)
    return b"".join((number & 0xFFFFFFFF).to_bytes(4, "big") for number in numbers)


def _decompressed(content: bytes) -> Iterator[bytes]:
    import bz2  # answers that are compressed are rare
    import lzma

    kinds: dict[str | None, Callable[[], Any]] = {
        "zlib": partial(zlib.decompressobj, zlib.MAX_WBITS | 32),  # gzip too
        "bz2": bz2.BZ2Decompressor,
        "lzma": partial(lzma.LZMADecompressor, memlimit=_MAX_MEMORY),
    }
    for beginning in _COMPRESSED.finditer(content):
        with suppress(zlib.error, lzma.LZMAError, OSError):
            found = kinds[beginning.lastgroup]()
            yield found.decompress(content[beginning.start() :], _MAX_DECODED)


def _as_text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def _squeeze(text: str) -> str:
    return _SEPARATORS.sub("", normalize("NFKC", text).casefold())


def _unescape(text: str) -> str:
    """Undo percent-encoding and the escapes of JSON and HTML until none is left."""
    for _ in range(8):
        plain = unquote(text, errors="surrogateescape")
        plain = html.unescape(_ESCAPE.sub(_character, plain))
        plain = _SURROGATES.sub(_join_surrogates, plain)
        if plain == text:
            break
        text = plain
    return text


def _character(escape: re.Match[str]) -> str:
    if (other := escape["other"]) is not None:
        return "" if other in "nrtbfv0" else other
    if escape["octal"]:
        return chr(int(escape["octal"], 8))
    return _chr("".join(filter(None, escape.group(1, 2, 3, 4))))


def _chr(hexadecimal: str) -> str:
    number = int(hexadecimal, 16)
    return chr(number) if number < 0x110000 else ""


def _join_surrogates(pair: re.Match[str]) -> str:
    return pair[0].encode("utf-16", "surrogatepass").decode("utf-16")
