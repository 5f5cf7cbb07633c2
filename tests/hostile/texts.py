"""Texts that someone may send to do harm, and what a terminal must never be given."""

import unicodedata

from hypothesis import strategies as st

TEXTS: dict[str, str] = {
    "nul": "a\x00b",
    "clear screen": "\x1b[2J\x1b[H",
    "window title": "\x1b]0;owned\x07",
    "clipboard": "\x1b]52;c;ZWNobw==\x1b\\",
    "hyperlink": "\x1b]8;;http://evil.test\x1b\\click\x1b]8;;\x1b\\",
    "8-bit control": "\x9b31m\x90q\x9c",
    "device query": "\x1b[6n\x1b[c\x1bP$q\x1b\\",
    "bidi": "\u202egnp.exe\u2066\u2069",
    "invisible": "a\u200b\u200d\ufeff\u00ad\U000e0041",
    "lines": "a\r\nb\u2028c\u2029d\x85e\x0b\x0cf",
    "backspaces": "safe\x08\x08\x08\x08evil",
    "formula": '=HYPERLINK("http://evil.test","x")',
    "command formula": "=cmd|' /C calc'!A0",
    "rich markup": "[bold red]x[/] [/foo] [link=http://evil.test]y",
    "textual action": "[@click=app.quit]x[/]",
    "template": "${alias} $${alias} ${ ${{",
    "percent": "%s %(x)s %n {0} {x.__class__}",
    "combining": "e" + "\u0301" * 400,
    "huge": "x" * 1_000_000,
    "huge and wide": "模" * 300_000,
}

SURROGATE = "a\ud800b"
"""No Unicode text at all, which Python's strings and JSON may hold."""

anything = st.text(st.characters(exclude_categories=())) | st.sampled_from(list(TEXTS.values()))
"""Any text, surrogates among it."""

_OBEYED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def obeyed(shown: str) -> set[str]:
    """Return the characters of an output that a terminal would obey: lines may end."""
    return {c for c in shown if c != "\n" and unicodedata.category(c) in _OBEYED}
