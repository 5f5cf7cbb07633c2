"""Signatures by which a receiver knows that a request is Firetower's.

Sources: Standard Webhooks 1.0.0, "Signature scheme"; W&B's webhook automations
(`X-Wandb-Signature`).
"""

import base64
import hmac
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from firetower.core.integrations import SignatureEncoding

_PREFIX = "whsec_"


def signing_key(secret: str) -> bytes:
    """Return the key of a secret: the bytes in `whsec_` and base64, or its UTF-8 bytes.

    It is read as the package `standardwebhooks` reads it, with or without padding and of any
    length: what a receiver cannot verify is lost.
    """
    if secret.startswith(_PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(_PREFIX) + "==")
        except ValueError:
            key = b""
        if key:
            return key
    return secret.encode()


def standard_signature(
    secrets: Iterable[str], webhook_id: str, sent_at: datetime, body: bytes
) -> str:
    """Return `webhook-signature`: one `v1,<base64>` a secret, apart by spaces.

    More than one secret are valid while one is being rotated.
    """
    content = b"%s.%d.%s" % (webhook_id.encode(), int(sent_at.timestamp()), body)
    return " ".join(
        f"v1,{base64.b64encode(_mac(signing_key(secret), content)).decode()}" for secret in secrets
    )


def wandb_signature(secret: str, body: bytes, encoding: SignatureEncoding) -> str:
    """Return `X-Wandb-Signature`: HMAC-SHA256 of the body under the secret's UTF-8 bytes."""
    mac = _mac(secret.encode(), body)
    return mac.hex() if encoding is SignatureEncoding.HEX else base64.b64encode(mac).decode()


def _mac(key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, content, sha256)
