"""Nothing is kept of an answer that gives a secret back, however it writes it."""

import bz2
import gzip
import html
import json
import lzma
import re
import textwrap
import zlib
from base64 import (
    a85encode,
    b32encode,
    b32hexencode,
    b64encode,
    b85encode,
    urlsafe_b64encode,
)
from codecs import encode
from collections.abc import Callable
from quopri import encodestring
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.builders import STANDARD_SECRET
from firetower.core.masking import signing_key
from firetower.core.requests import WITHHELD, Secrets, record_answer
from firetower.core.retry import Answer
from firetower.core.templates import MASK

URL = "https://hooks.slack.com/services/T0/B0/geheim"
TOKEN = "bearer/7f+&=<hush~one>"

Spelling = Callable[[str], str]


def _percent(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def _base64(text: str) -> str:
    return b64encode(text.encode(errors="replace")).decode()


def _url_base64(text: str) -> str:
    return urlsafe_b64encode(text.encode(errors="replace")).decode().rstrip("=")


SPELLINGS: dict[str, Spelling] = {
    "plain": lambda text: text,
    "upper case": str.upper,
    "percent": lambda text: quote(text, safe=""),
    "percent, lower case": lambda text: re.sub(
        "%..", lambda escape: escape[0].lower(), quote(text, safe="")
    ),
    "encodeURIComponent": lambda text: quote(text, safe="!~*'()"),
    "percent, each character": _percent,
    "json": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "json, each character": lambda text: "".join(f"\\u{ord(one):04X}" for one in text),
    "html": lambda text: html.escape(text).replace("/", "&#x2F;"),
    "html, each character": lambda text: "".join(f"&#{ord(one)};" for one in text),
    "hex": lambda text: text.encode().hex(),
    "hex, odd": lambda text: "a" + text.encode().hex().upper(),
    "hex with colons": lambda text: text.encode().hex(":"),
    "octal": lambda text: "".join(f"\\{ord(one):03o}" for one in text),
    "numbers": lambda text: json.dumps(list(text.encode())),
    "base64": _base64,
    "base64, url-safe, unpadded": _url_base64,
    "base64 of user and password": lambda text: _base64(f"user:{text}"),
    "base64 in lines": lambda text: "\r\n".join(textwrap.wrap(_base64(text), 8)),
    "base32": lambda text: b32encode(text.encode()).decode(),
    "base32, lower case": lambda text: b32encode(text.encode()).decode().lower(),
    "reversed": lambda text: text[::-1],
    "octal, short": lambda text: "".join(f"\\{ord(one):o}" for one in text),
    "numbers between spaces": lambda text: " ".join(map(str, text.encode())),
    "gzip in base64": lambda text: b64encode(gzip.compress(text.encode())).decode(),
    "css": lambda text: "".join(f"\\{ord(one):x} " for one in text),
    "quoted-printable": lambda text: "".join(f"={byte:02X}" for byte in text.encode()),
    "base85": lambda text: b85encode(text.encode()).decode(),
    "ascii85": lambda text: a85encode(f"user:{text}".encode(), adobe=True).decode(),
    "base32, hexadecimal digits": lambda text: b32hexencode(text.encode()).decode(),
    "bits": lambda text: " ".join(f"{byte:08b}" for byte in text.encode()),
    "octal between spaces": lambda text: " ".join(f"{byte:o}" for byte in text.encode()),
    "rot13": lambda text: encode(text, "rot13"),
    "utf-16 in base64": lambda text: b64encode(text.encode("utf-16-le")).decode(),
    "utf-16": "\0".join,
    "zlib in hex": lambda text: zlib.compress(text.encode()).hex(),
    "bzip2 in base64": lambda text: b64encode(bz2.compress(text.encode())).decode(),
    "lzma in hex": lambda text: lzma.compress(text.encode(), lzma.FORMAT_ALONE).hex(),
    "hex, a list": lambda text: json.dumps([f"0x{byte:02x}" for byte in text.encode()]),
    "base64, joined strings": lambda text: '" + "'.join(textwrap.wrap(_base64(text), 8)),
    "uuencode": lambda text: encode(text.encode(errors="replace"), "uu").decode(),
}


def kept(body: str, *secrets: str, cut: bool = False) -> str:
    values = {f"S{number}": secret for number, secret in enumerate(secrets)}
    return record_answer(Answer(400, body=body, cut=cut), Secrets(values)).body


@pytest.mark.parametrize("once", SPELLINGS)
def test_an_answer_that_spells_a_secret_is_not_kept(once: str) -> None:
    said = {"once": SPELLINGS[once](TOKEN)}
    destroys = {"upper case", "rot13"}  # of what is encoded already
    said |= {name: spell(said["once"]) for name, spell in SPELLINGS.items() if name not in destroys}
    shown = {
        name for name, text in said.items() if kept(f'{{"token": "{text}"}}', TOKEN) != WITHHELD
    }
    assert shown == set()


def test_a_secret_read_in_another_encoding_counts() -> None:
    assert kept("token: " + "pässwörd".encode().decode("latin-1"), "pässwörd") == WITHHELD


@pytest.mark.parametrize("between", ["\u00ad", "\u200b", "\ufeff", " "])
def test_a_secret_between_what_is_not_seen_counts(between: str) -> None:
    assert kept(between.join(TOKEN), TOKEN) == WITHHELD


def test_a_secret_in_quoted_printable_counts() -> None:
    mail = f"To: a@b.test\r\n\r\nyour token is {TOKEN}, keep it"
    assert kept(encodestring(mail.encode()).decode(), TOKEN) == WITHHELD
    for one in ("={:02X}", "={:02x}"):
        assert kept("".join(one.format(byte) for byte in TOKEN.encode()), TOKEN) == WITHHELD


def test_a_secret_in_full_width_counts() -> None:
    assert kept("".join(chr(ord(one) + 0xFEE0) for one in TOKEN), TOKEN) == WITHHELD


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_the_path_of_a_hook_and_each_half_of_it_count(spell: Spelling) -> None:
    assert kept(f"Cannot POST {spell('/services/T0/B0/geheim')} here", URL) == WITHHELD
    assert kept(f"no such token: {spell('T0/B0/geheim')}", URL) == WITHHELD


@pytest.mark.parametrize("spell", [SPELLINGS[one] for one in ("plain", "hex", "base64", "numbers")])
def test_a_signing_secret_counts_without_its_prefix(spell: Spelling) -> None:
    assert kept(spell(STANDARD_SECRET.removeprefix("whsec_")), STANDARD_SECRET) == WITHHELD
    unpadded = STANDARD_SECRET.removeprefix("whsec_").rstrip("=")
    assert kept(spell(unpadded), STANDARD_SECRET) == WITHHELD


def test_the_key_in_a_signing_secret_counts_in_bytes() -> None:
    key = signing_key(STANDARD_SECRET)
    for spelled in (key.hex(), key.hex(" "), urlsafe_b64encode(key).decode(), str(list(key))):
        assert kept(f"expected key {spelled}", STANDARD_SECRET) == WITHHELD


@pytest.mark.parametrize("spell", [SPELLINGS[one] for one in ("plain", "hex", "base64", "percent")])
def test_a_secret_halved_by_a_cut_counts(spell: Spelling) -> None:
    begun = spell("x" * 30 + TOKEN)[: -len(spell(TOKEN)) // 3]
    assert kept(begun, TOKEN, cut=True) == WITHHELD


def test_a_secret_anywhere_in_the_answer_counts() -> None:
    assert kept("." * 60_000 + TOKEN, TOKEN) == WITHHELD
    assert kept((TOKEN + " ") * 5_000, TOKEN, cut=True) == WITHHELD


def test_an_error_with_a_secret_is_not_kept() -> None:
    answer = Answer(error=f"the request failed: {URL}")
    assert record_answer(answer, Secrets({"HOOK": URL})).error == WITHHELD


ORDINARY = st.text(st.characters(min_codepoint=32, max_codepoint=126) | st.sampled_from("äñ愛"))


@given(ORDINARY, st.sampled_from(["percent", "json", "html", "base64", "hex"]), ORDINARY, ORDINARY)
def test_no_text_around_a_secret_hides_it(before: str, name: str, after: str, more: str) -> None:
    secret = f"k9Fz{more}!"
    assert kept(f"{before} {SPELLINGS[name](secret)} {after}", secret) == WITHHELD


@pytest.mark.parametrize(
    "body",
    [
        '{"error": "not found", "id": "5f3a9c0e-7b1d-4a57-9f5e-0c2d8d1b7f11"}',
        "<html><body><h1>502 Bad Gateway</h1><hr>nginx/1.25.3</body></html>",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
        "upload 1,2,3,4,5,6 of 16; 100%! \\ & \ufffd \ud800",
        "https://hooks.slack.com/docs says: invalid_payload",
    ],
)
def test_an_answer_without_a_secret_is_kept(body: str) -> None:
    assert kept(body, TOKEN, URL, STANDARD_SECRET) == body.replace("\ud800", "\ufffd")


def test_an_answer_with_too_much_to_decode_is_not_kept() -> None:
    nested = b"{}" * 20_000
    for _ in range(2):
        nested = b64encode(nested)
    assert kept(nested.decode() * 40, TOKEN) == WITHHELD


@given(st.text())
def test_whatever_the_secret_is_it_is_masked_in_a_request(value: str) -> None:
    assert value == "" or value not in Secrets({"S": value}).mask(f"x{value}y").replace(MASK, "")
