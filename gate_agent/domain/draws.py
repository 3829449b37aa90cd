"""Random inspection that nobody can steer, and that anybody can redo later.

For each period the hub makes a secret and commits to it: its SHA-256 stands in the policy pack,
which is in force before the first vehicle comes. What a declaration draws is a function of the
secret, the purpose and the declaration's id alone: the same in every lane and at every attempt, so
that nobody draws again by backing out and coming back, by another lane or by another hour. After
the period the secret is revealed, and `redraw` gives every number again.

The function: HMAC-SHA256(secret, purpose | 0x1F | period | 0x1F | declaration id), its first eight
bytes as a big-endian number, modulo 1000. The remainder's bias is below 1e-16.
"""

from __future__ import annotations

import hashlib
import hmac

from gate_agent.domain.manifest import Draw

SECRET_BYTES = 32


def commitment(secret: bytes) -> str:
    """What is published of a secret beforehand: its SHA-256 in hex."""
    return hashlib.sha256(secret).hexdigest()


def draw(secret: bytes, period: str, declaration_id: str) -> Draw:
    """The numbers of one declaration, one for each purpose: none says anything of another."""
    return Draw(
        period=period,
        inspect_permille=_permille(secret, "inspect", period, declaration_id),
        review_permille=_permille(secret, "review", period, declaration_id),
    )


def _permille(secret: bytes, purpose: str, period: str, declaration_id: str) -> int:
    message = "\x1f".join((purpose, period, declaration_id)).encode()
    return int.from_bytes(hmac.digest(secret, message, "sha256")[:8], "big") % 1000
