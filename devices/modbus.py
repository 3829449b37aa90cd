"""One Modbus line (TCP or RTU), its errors raised, its pulses ended.

`ModbusBus` is the only file of the edge that knows pymodbus (3.16.1, pinned: it does not follow
semver). What it adds, and why:

- A wrong answer comes back from pymodbus as an object; here it is raised (`RemoteProtocolError`).
- pymodbus reconnects silently inside a read after `close()`; here a closed bus raises `LinkDown`
  until somebody calls `open()`, so that a lost link is seen and told once.
- After `SILENT_LIMIT` requests in a row without an answer the link is given up (`LinkDown`): a
  pulled cable leaves a TCP connection that would wait minutes for its own retransmission, while
  a fresh one works as soon as the cable is back.
- On RTU an answer carries no number. A late answer to the request before would pass for the
  answer to this one, so after a time-out the line is left quiet for a moment and emptied.
- pymodbus measures its serial waits with the wall clock: a clock set back by an hour would stall
  the lane for an hour. `_SerialClient` waits with pyserial's own monotonic time-out.
- `write_coil` of pymodbus knows only ON and OFF; `CoilCommand` carries any value, which the
  "flash-on" command of the usual relay boards needs.

Flash-on (function 5 at address 0x0200 + n, value = tenths of a second): the board closes relay n
and opens it again by itself, so an agent that dies leaves no contact closed. `01 05 02 00 00 07
8D B0` closes relay 0 for 700 ms. For boards without it (`flash_on = false`) the bus opens the
contact itself at the first request after the pulse, which needs a living agent that polls.

Thread: one bus belongs to one thread; nothing here is locked.
"""

from __future__ import annotations

import logging
import socket
import struct
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusException, ModbusIOException
from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest

from devices.errors import DeviceError, DeviceTimeout, LinkDown, RemoteProtocolError

if TYPE_CHECKING:
    from devices.clock import Clock
    from devices.config import BusConfig

SILENT_LIMIT = 3  # requests in a row without an answer before the link counts as lost
RTU_QUIET_S = 0.1  # after a time-out: long enough for a board that was merely slow
FLASH_ON_BASE = 0x0200
FLASH_UNIT_S = 0.1
COIL_ON = 0xFF00
COIL_OFF = 0x0000

_EXCEPTION_NAMES = {
    1: "illegal function",
    2: "illegal address",
    3: "illegal value",
    4: "device failure",
    5: "acknowledge",
    6: "device busy",
    11: "gateway target does not answer",
}


class CoilCommand(ModbusPDU):
    """Function 5 with any 16-bit value, both as request and as its echo.

    `FF00` on, `0000` off; at 0x0200 + n the value is a flash-on time in tenths of a second.
    """

    function_code = 5
    rtu_frame_size = 8
    value: int = 0

    def encode(self) -> bytes:
        """Address and value, big-endian, four bytes."""
        return struct.pack(">HH", self.address, self.value)

    def decode(self, data: bytes) -> None:
        """Address and value, big-endian; more bytes are ignored, fewer raise struct.error."""
        self.address, self.value = struct.unpack(">HH", data[:4])


class _SerialClient(ModbusSerialClient):
    """pymodbus' serial client with waits that a wall-clock step cannot stretch."""

    def recv(self, size: int | None) -> bytes:
        """Wait up to the time-out for the first byte, then take what is there."""
        port = self.socket
        if port is None:
            raise ConnectionException("not open")
        try:
            first = port.read(size or 1)
            return bytes(first + port.read(port.in_waiting)) if first else b""
        except OSError as exc:  # SerialException is one
            self.close()  # type: ignore[no-untyped-call]
            raise ConnectionException(str(exc)) from exc


class ModbusBus:
    """One board on one Modbus line. Closed until `open()`; see the module for its promises."""

    def __init__(self, config: BusConfig, clock: Clock) -> None:
        """Store where the board is; nothing is opened. A bus that is reopened keeps its clock."""
        self._config = config
        self._clock = clock
        self._client: ModbusTcpClient | ModbusSerialClient | None = None
        self._silent_count = 0
        self._pulse_ends_s: dict[int, float] = {}  # software pulses still to be ended
        # Everything it would log is raised here with the same words.
        logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL + 1)

    @property
    def place(self) -> str:
        """Where the board is, for messages: `127.0.0.1:502` or `/dev/ttyS1`."""
        if self._config.transport == "tcp":
            return f"{self._config.host}:{self._config.tcp_port}"
        return self._config.serial_port

    @property
    def is_open(self) -> bool:
        """Whether requests can be tried; not whether the board answers."""
        return self._client is not None

    def open(self) -> None:
        """Connect. Raises `LinkDown` naming the place. An open bus is closed first."""
        self.close()
        client = self._connect_tcp() if self._config.transport == "tcp" else self._connect_rtu()
        client.register(CoilCommand)
        self._client = client
        self._silent_count = 0

    def close(self) -> None:
        """Open the contacts of running software pulses if the board answers, then disconnect."""
        if self._client is not None and self._pulse_ends_s:
            with suppress(DeviceError):  # kept: ended first thing after the next open
                self._end_pulses(due_only=False)
        self._disconnect()

    def read_inputs(self, address: int, count: int) -> tuple[bool, ...]:
        """`count` discrete inputs from `address` on (function 2), exactly that many."""
        self._end_pulses(due_only=True)
        return self._read_bits(ReadDiscreteInputsRequest, address, count)

    def read_coils(self, address: int, count: int) -> tuple[bool, ...]:
        """The present state of `count` relays from `address` on (function 1)."""
        self._end_pulses(due_only=True)
        return self._read_bits(ReadCoilsRequest, address, count)

    def write_coil(self, address: int, on: bool) -> None:  # noqa: FBT001 - a relay is a switch
        """Switch one relay and check the board's echo."""
        self._end_pulses(due_only=True)
        self._command(address, COIL_ON if on else COIL_OFF)
        self._pulse_ends_s.pop(address, None)

    def pulse_coil(self, address: int, pulse_s: float) -> None:
        """Close one relay for `pulse_s` seconds; returns when the board confirmed the closing.

        On a flash-on board the time is rounded up to tenths and the board ends the pulse. Else
        it is ended by the first request after `pulse_s`, or by `close()`.
        """
        self._end_pulses(due_only=True)
        if self._config.flash_on:
            tenths = max(1, -int(-pulse_s // FLASH_UNIT_S))
            self._command(FLASH_ON_BASE + address, tenths)
            return
        # Noted before the write: a time-out may hide a contact that did close.
        self._pulse_ends_s[address] = self._clock.now().mono_s + pulse_s
        self._command(address, COIL_ON)

    def _connect_tcp(self) -> ModbusTcpClient:
        config = self._config
        client = ModbusTcpClient(
            config.host, port=config.tcp_port, timeout=config.timeout_s, retries=0
        )
        try:  # our own connect: pymodbus would swallow the reason
            link = socket.create_connection((config.host, config.tcp_port), config.timeout_s)
        except OSError as exc:
            raise LinkDown(f"modbus: {self.place}: {exc.strerror or exc}") from exc
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.socket = link
        return client

    def _connect_rtu(self) -> ModbusSerialClient:
        config = self._config
        client = _SerialClient(
            config.serial_port, baudrate=config.baud, timeout=config.timeout_s, retries=0
        )
        if not client.connect():
            why = "cannot be opened" if Path(config.serial_port).exists() else "no such port"
            raise LinkDown(f"modbus: {self.place}: {why}")
        return client

    def _disconnect(self) -> None:
        if self._client is not None:
            self._client.close()  # type: ignore[no-untyped-call]
            self._client = None

    def _read_bits(
        self, kind: type[ReadCoilsRequest], address: int, count: int
    ) -> tuple[bool, ...]:
        request = kind(address=address, count=count, dev_id=self._config.device_id)
        bits = self._ask(request).bits
        if len(bits) != -(-count // 8) * 8:
            raise RemoteProtocolError(
                f"modbus: {self.place}: {len(bits)} bits in the answer, {count} were asked for"
            )
        return tuple(bits[:count])

    def _command(self, address: int, value: int) -> None:
        request = CoilCommand(address=address, dev_id=self._config.device_id)
        request.value = value
        echo = self._ask(request)
        if not isinstance(echo, CoilCommand) or (echo.address, echo.value) != (address, value):
            raise RemoteProtocolError(
                f"modbus: {self.place}: relay command {address:#06x}={value:#06x} "
                f"was answered by {echo}"
            )

    def _ask(self, request: ModbusPDU) -> ModbusPDU:
        client = self._client
        if client is None:
            raise LinkDown(f"modbus: {self.place}: not open")
        if self._silent_count and self._config.transport == "rtu":
            self._clock.sleep(RTU_QUIET_S)  # pymodbus empties the port before it sends
        try:
            answer: ModbusPDU = client.execute(False, request)  # noqa: FBT003 - their API
        except ConnectionException as exc:
            self._disconnect()
            raise LinkDown(f"modbus: {self.place}: connection lost") from exc
        except ModbusIOException as exc:
            raise self._translate(exc) from exc
        except (ModbusException, OSError, struct.error) as exc:
            self._disconnect()
            raise LinkDown(f"modbus: {self.place}: {exc}") from exc
        self._silent_count = 0
        return self._checked(request, answer)

    def _checked(self, request: ModbusPDU, answer: ModbusPDU) -> ModbusPDU:
        if answer.isError():
            code = answer.exception_code
            name = _EXCEPTION_NAMES.get(code, "unknown")
            raise RemoteProtocolError(
                f"modbus: {self.place}: board {request.dev_id} answered function "
                f"{request.function_code} with exception {code} ({name})"
            )
        if answer.function_code != request.function_code:
            raise RemoteProtocolError(
                f"modbus: {self.place}: function {request.function_code} was answered "
                f"by function {answer.function_code}"
            )
        return answer

    def _translate(self, exc: ModbusIOException) -> Exception:
        """Tell silence from nonsense; pymodbus uses one class for both."""
        if "No response received" not in exc.string:
            return RemoteProtocolError(f"modbus: {self.place}: {exc.string}")
        self._silent_count += 1
        timeout_s = self._config.timeout_s
        if self._silent_count >= SILENT_LIMIT:
            self._disconnect()
            return LinkDown(
                f"modbus: {self.place}: {self._silent_count} requests unanswered for "
                f"{timeout_s:g} s each, link given up"
            )
        return DeviceTimeout(f"modbus: {self.place}: no answer for {timeout_s:g} s")

    def _end_pulses(self, *, due_only: bool) -> None:
        if not self._pulse_ends_s:
            return
        now_s = self._clock.now().mono_s
        for address, end_s in list(self._pulse_ends_s.items()):
            if due_only and now_s < end_s:
                continue
            self._command(address, COIL_OFF)
            del self._pulse_ends_s[address]
