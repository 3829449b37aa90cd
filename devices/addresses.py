"""Addresses of devices as they may be shown: in a message, a log, a report."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

_SECRETS = re.compile(r"(?i)\b(password|passwd|pass|pwd|secret|token)=[^&/?#;]*")


def without_password(address: str) -> str:
    """`address` fit for a message: user and password are left out, also where they are parameters.

    `rtsp://…@10.0.0.1/x`, `rtsp://10.0.0.1/user=admin&password=…&channel=1`.
    """
    parts = urlsplit(address)
    if "@" in parts.netloc:
        address = urlunsplit(parts._replace(netloc="…@" + parts.netloc.rpartition("@")[2]))
    return _SECRETS.sub(r"\1=…", address)
