"""HTTP digest authentication, the server's half: RFC 7616 with `qop=auth` and MD5.

MD5, because that is what cameras know. It keeps a password off the wire, no more: the list of
addresses is the other half.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devices.clock import Clock

NONCE_LIFE_S = 60.0
NONCES_MAX = 64
REALM = "kakou"
_FIELD = re.compile(r"""(\w+)=(?:"([^"]*)"|([^\s,]+))""")


class DigestGate:
    """Lets in who knows the password. Any thread may ask."""

    def __init__(self, username: str, password: str, clock: Clock) -> None:
        self._username = username
        self._password = password
        self._clock = clock
        self._lock = threading.Lock()
        self._nonces: OrderedDict[str, tuple[float, int]] = OrderedDict()  # issued, last count

    def challenge(self) -> str:
        """The `WWW-Authenticate` header of a 401."""
        nonce = secrets.token_hex(16)
        with self._lock:
            self._nonces[nonce] = (self._clock.now().mono_s, 0)
            while len(self._nonces) > NONCES_MAX:
                self._nonces.popitem(last=False)
        return f'Digest realm="{REALM}", qop="auth", algorithm=MD5, nonce="{nonce}"'

    def lets_in(self, method: str, target: str, authorization: str) -> bool:
        """Whether an `Authorization` header is right, fresh, and not a repeated one."""
        scheme, _, rest = authorization.partition(" ")
        if scheme.lower() != "digest":
            return False
        fields = {name.lower(): quoted or bare for name, quoted, bare in _FIELD.findall(rest)}
        if fields.get("uri") != target or fields.get("qop") != "auth":
            return False
        nonce, count = fields.get("nonce", ""), fields.get("nc", "")
        mine = _hashed(
            _hashed(self._username, REALM, self._password),
            nonce,
            count,
            fields.get("cnonce", ""),
            "auth",
            _hashed(method, target),
        )
        is_right = hmac.compare_digest(mine.encode(), fields.get("response", "").encode())
        is_user = hmac.compare_digest(self._username.encode(), fields.get("username", "").encode())
        return is_right and is_user and self._take(nonce, count)

    def _take(self, nonce: str, count: str) -> bool:
        """Each count of a nonce is taken once, in rising order."""
        try:
            number = int(count, 16)
        except ValueError:
            return False
        with self._lock:
            issued_s, last = self._nonces.get(nonce, (float("-inf"), 0))
            if number <= last or self._clock.now().mono_s - issued_s > NONCE_LIFE_S:
                return False
            self._nonces[nonce] = (issued_s, number)
        return True


def claimed(authorization: str) -> str:
    """Scheme and user of an `Authorization` header, without what it proves them with."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() != "digest":
        return scheme
    users = [quoted or bare for name, quoted, bare in _FIELD.findall(rest) if name == "username"]
    return f"{scheme} {users[0]}" if users else scheme


def _hashed(*words: str) -> str:
    return hashlib.md5(":".join(words).encode(), usedforsecurity=False).hexdigest()
