"""The same drivers behind a device server, over real sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from devices.card_reader.codecs import stx_len
from devices.card_reader.driver import SETTLE_S
from devices.clock import SystemClock
from devices.config import CardReaderConfig, WeighbridgeConfig
from devices.errors import LinkDown
from devices.registry import open_card_reader, open_weighbridge
from devices.transports.opening import open_transport
from devices.weighbridge.codecs.yaohua import encode
from devices.weighbridge.indication import IndicatorFrame

CLOCK = SystemClock()


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20.0)
        yield server


def card(uid: str) -> bytes:
    return stx_len.encode(
        stx_len.CardFrame(card_type=stx_len.CardType.MIFARE, batch=9, serial=bytes.fromhex(uid))
    )


def address_of(server: socket.socket) -> str:
    host, port = server.getsockname()
    return f"tcp://{host}:{port}"


def test_a_weighbridge_behind_a_device_server_is_read_and_recovers(server: socket.socket) -> None:
    scale = open_weighbridge(WeighbridgeConfig(port=address_of(server)), CLOCK)
    for value_kg in (8_000, 12_000):
        scale.open()
        far, _ = server.accept()
        packet = encode(IndicatorFrame(digits=value_kg))
        far.sendall(packet[:7])
        assert scale.read(5.0) == []
        far.sendall(packet[7:])
        assert [reading.gross_kg for reading in scale.read(5.0)] == [value_kg]
        far.close()
        with pytest.raises(LinkDown, match=r"weighbridge: tcp://.*closed by the far end"):
            scale.read(5.0)
        scale.close()


def test_a_card_that_a_device_server_kept_while_nobody_was_connected_is_dropped(
    server: socket.socket,
) -> None:
    reader = open_card_reader(CardReaderConfig(port=address_of(server)), CLOCK)
    for presented in ("A2C31F07", "04A1B2C3"):  # a lane that starts, and one that comes back
        reader.open()
        far, _ = server.accept()
        far.sendall(card(presented))
        until_s = CLOCK.now().mono_s + SETTLE_S
        while CLOCK.now().mono_s < until_s:
            assert reader.read(0.05) == []
        far.sendall(card(presented))  # he holds it out again: that is no repeat
        assert [reading.uid for reading in reader.read(5.0)] == [presented]
        far.close()
        reader.close()


def test_a_card_that_waited_from_before_the_first_look_is_dropped_too(
    server: socket.socket,
) -> None:
    reader = open_card_reader(CardReaderConfig(port=address_of(server)), CLOCK)
    reader.open()
    far, _ = server.accept()
    far.sendall(card("A2C31F07"))
    CLOCK.sleep(2 * SETTLE_S)
    assert reader.read(0.1) == []
    assert reader.read(0.1) == []  # nothing is waiting any more
    far.sendall(card("04A1B2C3"))
    assert [reading.uid for reading in reader.read(5.0)] == ["04A1B2C3"]
    reader.close()
    far.close()


def test_nobody_at_the_address_is_a_link_that_is_down(server: socket.socket) -> None:
    address = address_of(server)
    server.close()
    with pytest.raises(LinkDown, match=address):
        open_transport(address, 9_600)


def test_what_is_written_arrives_and_silence_is_no_error(server: socket.socket) -> None:
    transport = open_transport(address_of(server), 9_600)
    far, _ = server.accept()
    with far:
        transport.write(b"P")
        assert far.recv(10) == b"P"
        assert transport.read(10, 0.0) == b""
        transport.close()
        transport.close()
        for use in (lambda: transport.read(1, 0.0), lambda: transport.write(b"P")):
            with pytest.raises(LinkDown, match="closed"):
                use()


def test_a_blocked_read_ends_when_the_transport_is_closed(server: socket.socket) -> None:
    transport = open_transport(address_of(server), 9_600)
    far, _ = server.accept()
    failures: list[LinkDown] = []
    reading = threading.Event()

    def wait_for_bytes() -> None:
        try:
            reading.set()
            transport.read(1, 60.0)
        except LinkDown as exc:
            failures.append(exc)

    reader = threading.Thread(target=wait_for_bytes)
    reader.start()
    reading.wait(20.0)
    transport.close()
    reader.join(20.0)
    far.close()
    assert not reader.is_alive()
    assert len(failures) == 1
