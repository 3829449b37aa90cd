"""Asks a broker by one real MQTT 3.1.1 CONNECT whether it takes a user."""

from __future__ import annotations

import socket
import struct
from enum import StrEnum

TIMEOUT_S = 2.0
_CONNECT = 0x10
_CONNACK = 0x20
_FLAGS = 0xC2  # user name, password, clean session
_DISCONNECT = b"\xe0\x00"
_CONNACK_BYTES = 4


class Answer(StrEnum):
    """What the broker said."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # it is there but does not take this user
    SILENT = "silent"  # nobody there, or no MQTT


def connect_once(host: str, port: int, *, user: str, password: str) -> Answer:
    """Connect, read the answer, disconnect. Blocks for at most a few seconds; never raises."""
    body = (
        struct.pack("!H4sBBH", 4, b"MQTT", 4, _FLAGS, 10)
        + _text("kakou-probe")
        + _text(user)
        + _text(password)
    )
    try:
        with socket.create_connection((host, port), TIMEOUT_S) as sock:
            sock.sendall(bytes([_CONNECT, len(body)]) + body)
            answer = sock.recv(_CONNACK_BYTES)
            if len(answer) != _CONNACK_BYTES or answer[0] != _CONNACK:
                return Answer.SILENT
            sock.sendall(_DISCONNECT)
            return Answer.ACCEPTED if answer[3] == 0 else Answer.REFUSED
    except OSError:
        return Answer.SILENT


def _text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("!H", len(encoded)) + encoded
