"""The forms in which an answer may give a secret back."""

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

_BASE64 = (b64encode, urlsafe_b64encode)
_SHORTEST_PATH = 8
"""Characters from which a path says more than an ordinary word does."""
_SHORTEST_CORE = 8
"""Characters from which base64 has a secret in it, and no other text by chance."""


def forms(secret: str) -> set[str]:
    """Return a secret as it is, percent-encoded, in base64, and each as JSON writes it.

    Of a URL the path is a secret too: "not found" pages tell which one they mean.
    """
    parts = {secret}
    if secret.startswith(("http://", "https://")):
        path = "/" + secret.partition("://")[2].partition("/")[2]
        parts |= {part for part in (path, path.partition("?")[0]) if len(part) >= _SHORTEST_PATH}
    written = {form for part in parts for form in _written(part)}
    return written | {json.dumps(form)[1:-1] for form in written}


def _written(part: str) -> Iterator[str]:
    yield part
    for kept in ("/", ""):
        yield quote(part, safe=kept, errors="replace")
    yield quote_plus(part, errors="replace")
    content = part.encode(errors="replace")
    for code in _BASE64:
        yield code(content).decode().rstrip("=")
        for before in range(3):
            # of a longer text: only the characters that no byte beside it has a part in
            shifted = code(bytes(before) + content).decode()
            core = shifted[-(before * -8 // 6) : (before + len(content)) * 8 // 6]
            if len(core) >= _SHORTEST_CORE:
                yield core
