"""One Modbus line (TCP or RTU), its errors raised, its pulses ended.

`ModbusBus` is the only file of the edge that knows pymodbus (3.16.1, pinned: it does not follow
semver). What it adds, and why:

- A wrong answer comes back from pymodbus as an object; here it is raised (`RemoteProtocolError`).
- pymodbus reconnects silently inside a read after `close()`; here a closed bus raises `LinkDown`
  until somebody calls `open()`, so that a lost link is seen and told once.
- After `SILENT_LIMIT` requests in a row without an answer the link is given up (`LinkDown`): a
  pulled cable leaves a TCP connection that would wait minutes for its own retransmission, while
  a fresh one works as soon as the cable is back.
- On TCP every answer carries its request's number. On RTU it carries none: a late answer would
  pass for the answer to the next request. So after a time-out, also across `open()`, the line is
  left quiet, emptied, and nothing is believed before a read of the other kind was answered:
  boards answer in order. An answer of the wrong kind is told as a late one, not as an error of
  the board. What comes more than `RTU_LATE_S` late could not be told apart.
- pymodbus measures its serial waits with the wall clock: a clock set back by an hour would stall
  the lane for an hour. `_SerialClient` waits with pyserial's own monotonic time-out.
- `write_coil` of pymodbus knows only ON and OFF; `CoilCommand` carries any value, which the
  "flash-on" command of the usual relay boards needs.

How terminals are read and switched is in the board's map file (`devices/boards`). Most boards
have a flash-on command (usually function 5 at address 0x0200 + n, value = tenths of a second): the
board closes relay n and opens it again by itself, so an agent that dies leaves no contact closed.
`01 05 02 00 00 07 8D B0` closes relay 0 for 700 ms. For boards without it (or `flash_on = false`)
the bus opens the contact itself at the first request after the pulse, which needs a living agent
that polls.

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
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteMultipleRegistersResponse,
)

from devices.boards.board_file import BusPulse, CoilPulse, RegisterPulse, load_board
from devices.errors import DeviceError, DeviceTimeout, LinkDown, RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.boards.board_file import InputBlock, RelayBlock
    from devices.clock import Clock
    from devices.config import BusConfig

SILENT_LIMIT = 3  # requests in a row without an answer before the link counts as lost
RTU_QUIET_S = 0.1  # after a time-out: long enough for a board that was merely slow
RTU_LATE_S = 1.0  # how long after a time-out its answer may still come
_READS = {
    1: ReadCoilsRequest,
    2: ReadDiscreteInputsRequest,
    3: ReadHoldingRegistersRequest,
    4: ReadInputRegistersRequest,
}
_OF_BITS = (1, 2)

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


class RegisterCommand(CoilCommand):
    """Function 6, laid out as function 5: relays that are registers."""

    function_code = 6


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
        """Read the board's map; nothing is opened.

        Raises:
            DeviceConfigError: the map file is missing or wrong.
        """
        self._config = config
        self._board = load_board(config.board)
        self._clock = clock
        self._client: ModbusTcpClient | ModbusSerialClient | None = None
        self._silent_count = 0
        self._pulse_ends_s: dict[int, float] = {}  # software pulses still to be ended
        self._unanswered_s: dict[int, float] = {}  # RTU: function -> when it was given up
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

    @property
    def ends_pulses(self) -> bool:
        """Whether the board itself ends a pulse: then no contact outlives whoever closed it."""
        return self._config.flash_on and not isinstance(self._board.pulse, BusPulse)

    def open(self) -> None:
        """Connect. Raises `LinkDown` naming the place. An open bus is closed first."""
        self.close()
        client = self._connect_tcp() if self._config.transport == "tcp" else self._connect_rtu()
        client.register(CoilCommand)
        client.register(RegisterCommand)
        self._client = client
        self._silent_count = 0

    def close(self, *, is_to_be_opened: bool = False) -> None:
        """Let running software pulses last and end them if the board answers, then disconnect.

        A pulse may be what frees somebody: it is not cut. Who wants a contact open at once writes
        it first; where that failed it is tried again here. Two tries, since it may be one garbled
        answer because of which the bus is closed. A bus that is to be opened again at once does
        not wait: what still runs is ended then.
        """
        for _ in range(2):
            if self._client is not None and self._pulse_ends_s:
                with suppress(DeviceError):  # kept: ended first thing after the next open
                    self._end_pulses()
                    if not is_to_be_opened:
                        self._clock.sleep(self._left_of_pulses_s())
                    self._end_pulses()
        self._disconnect()

    def read_inputs(self, address: int, count: int) -> tuple[bool, ...]:
        """`count` inputs from terminal `address` on, exactly that many."""
        self._end_pulses()
        return self._read_bits(self._board.inputs, address, count)

    def read_coils(self, address: int, count: int) -> tuple[bool, ...]:
        """The present state of `count` relays from terminal `address` on."""
        self._end_pulses()
        return self._read_bits(self._board.relays, address, count)

    def write_coil(self, address: int, on: bool) -> None:  # noqa: FBT001 - a relay is a switch
        """Switch one relay and check the board's echo."""
        ends_pulse = not on and address in self._pulse_ends_s
        if ends_pulse:  # due from now on, also where this write fails
            self._pulse_ends_s[address] = self._clock.now().mono_s
        self._end_pulses()
        if not ends_pulse:
            self._switch(address, on)
            self._pulse_ends_s.pop(address, None)

    def pulse_coil(self, address: int, pulse_s: float) -> None:
        """Close one relay for `pulse_s` seconds; returns when the board confirmed the closing.

        On a flash-on board the time is rounded up to the board's unit and the board ends the
        pulse. Else it is ended by the first request after `pulse_s`, or by `close()`.
        """
        with suppress(DeviceError):  # what this one is for may matter more: try it in any case
            self._end_pulses()
        pulse = self._board.pulse
        if self._config.flash_on and isinstance(pulse, CoilPulse):
            self._command(5, pulse.address + address, _units(pulse_s, pulse.unit_s))
        elif self._config.flash_on and isinstance(pulse, RegisterPulse):
            words = [pulse.mode, _units(pulse_s, pulse.unit_s)]
            self._write_registers(pulse.address + address * pulse.step, words)
        else:
            # Noted before the write: a time-out may hide a contact that did close.
            self._pulse_ends_s[address] = self._clock.now().mono_s + pulse_s
            self._switch(address, on=True)

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
        self, block: InputBlock | RelayBlock, first: int, count: int
    ) -> tuple[bool, ...]:
        """`count` terminals from `first` on, as bits or as registers."""
        if block.function in _OF_BITS:
            address, items = block.address + first, count
            bits = self._ask(self._read_request(block, address, items)).bits
            is_whole = len(bits) == -(-items // 8) * 8
            states = tuple(bits[:count])
        else:
            skipped = first % block.per_register
            address = block.address + first // block.per_register
            items = -(-(skipped + count) // block.per_register)
            words = self._ask(self._read_request(block, address, items)).registers
            is_whole = len(words) == items
            states = _bits_of(words, block.per_register)[skipped : skipped + count]
        if not is_whole:
            raise RemoteProtocolError(
                f"modbus: {self.place}: an answer of the wrong length, {count} terminals were "
                "asked for"
            )
        return states

    def _read_request(self, block: InputBlock | RelayBlock, address: int, count: int) -> ModbusPDU:
        kind = _READS[block.function]
        return kind(address=address, count=count, dev_id=self._config.device_id)

    def _switch(self, terminal: int, on: bool) -> None:  # noqa: FBT001 - a relay is a switch
        relays = self._board.relays
        self._command(relays.write, relays.address + terminal, relays.on if on else relays.off)

    def _command(self, function: int, address: int, value: int) -> None:
        kind = CoilCommand if function == CoilCommand.function_code else RegisterCommand
        request = kind(address=address, dev_id=self._config.device_id)
        request.value = value
        echo = self._ask(request)
        if not isinstance(echo, kind) or (echo.address, echo.value) != (address, value):
            raise RemoteProtocolError(
                f"modbus: {self.place}: relay command {address:#06x}={value:#06x} "
                f"was answered by {echo}"
            )

    def _write_registers(self, address: int, words: list[int]) -> None:
        echo = self._ask(
            WriteMultipleRegistersRequest(
                address=address, registers=words, dev_id=self._config.device_id
            )
        )
        is_echo = isinstance(echo, WriteMultipleRegistersResponse)
        if not is_echo or (echo.address, echo.count) != (address, len(words)):
            raise RemoteProtocolError(
                f"modbus: {self.place}: registers {address:#06x}={words} were answered by {echo}"
            )

    def _ask(self, request: ModbusPDU) -> ModbusPDU:
        if self._unanswered_s and self._client is not None:
            self._resynchronize()
        return self._exchange(request)

    def _resynchronize(self) -> None:
        """Let late answers come and go, until the line is known to be in step."""
        self._clock.sleep(RTU_QUIET_S)  # pymodbus empties the port before it sends
        now_s = self._clock.now().mono_s
        reads: tuple[InputBlock | RelayBlock, ...] = (self._board.inputs, self._board.relays)
        probe = next((each for each in reads if each.function not in self._unanswered_s), None)
        left_s = max(self._unanswered_s.values()) + RTU_LATE_S - now_s
        if left_s > 0 and probe is not None:
            count = min(8, probe.count)
            self._exchange(self._read_request(probe, probe.address, count))
        elif left_s > 0:
            self._clock.sleep(left_s)
        self._unanswered_s.clear()

    def _exchange(self, request: ModbusPDU) -> ModbusPDU:
        client = self._client
        if client is None:
            raise LinkDown(f"modbus: {self.place}: not open")
        try:
            answer: ModbusPDU = client.execute(False, request)  # noqa: FBT003 - their API
        except ConnectionException as exc:
            self._disconnect()
            raise LinkDown(f"modbus: {self.place}: connection lost") from exc
        except ModbusIOException as exc:
            self._note_unanswered(request)
            raise self._translate(exc) from exc
        except (ModbusException, OSError, struct.error) as exc:
            self._disconnect()
            raise LinkDown(f"modbus: {self.place}: {exc}") from exc
        self._silent_count = 0
        return self._checked(request, answer)

    def _note_unanswered(self, request: ModbusPDU) -> None:
        if self._config.transport == "rtu":
            self._unanswered_s[request.function_code] = self._clock.now().mono_s

    def _checked(self, request: ModbusPDU, answer: ModbusPDU) -> ModbusPDU:
        if answer.function_code & 0x7F != request.function_code:
            self._note_unanswered(request)
            raise RemoteProtocolError(
                f"modbus: {self.place}: function {request.function_code} was answered "
                f"by function {answer.function_code & 0x7F}: a late answer to an earlier request"
            )
        if answer.isError():
            code = answer.exception_code
            name = _EXCEPTION_NAMES.get(code, "unknown")
            raise RemoteProtocolError(
                f"modbus: {self.place}: board {request.dev_id} answered function "
                f"{request.function_code} with exception {code} ({name})"
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

    def _end_pulses(self) -> None:
        """Open the contacts whose pulses have lasted."""
        if not self._pulse_ends_s:
            return
        now_s = self._clock.now().mono_s
        for address, end_s in list(self._pulse_ends_s.items()):
            if now_s >= end_s:
                self._switch(address, on=False)
                del self._pulse_ends_s[address]

    def _left_of_pulses_s(self) -> float:
        left_s = max(self._pulse_ends_s.values(), default=0.0) - self._clock.now().mono_s
        return max(0.0, left_s)


def _units(duration_s: float, unit_s: float) -> int:
    """A duration in a board's unit, rounded up, at least one."""
    return max(1, -int(-duration_s // unit_s))


def _bits_of(words: Sequence[int], per_register: int) -> tuple[bool, ...]:
    """Registers as terminals, lowest bit first, or one terminal a register."""
    if per_register == 1:
        return tuple(bool(word) for word in words)
    return tuple(bool(word >> bit & 1) for word in words for bit in range(per_register))
