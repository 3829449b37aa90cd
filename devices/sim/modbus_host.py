"""A relay board on Modbus: the other end of `devices.modbus`, over TCP or a pty.

It is served at exactly the address that a `BusConfig` names, so the same table of a lane file
opens the driver and the simulator. Frames are made and read by pymodbus' framers, and
`devices.modbus.CoilCommand` is the one codec of function 5 on both ends.

It is the board of the map file that the table names: it answers what that file says, and function
15 (several coils) where relays are coils. A board with flash-on by function 5 also knows flash-off
(0x0200 higher) and toggles on 0x5500. Everything else, an address past the last terminal, or a
wrong value gives the exception that a board gives. Another device id is not answered, nor is a
frame with a bad checksum.

The board runs in one thread of its own (asyncio inside); every public method may be called from
any thread. Faults are set while it runs.
"""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import ModbusIOException
from pymodbus.framer import FramerBase, FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.bit_message import (
    ReadCoilsRequest,
    ReadCoilsResponse,
    ReadDiscreteInputsRequest,
    ReadDiscreteInputsResponse,
    WriteMultipleCoilsRequest,
    WriteMultipleCoilsResponse,
)
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadHoldingRegistersResponse,
    ReadInputRegistersRequest,
    ReadInputRegistersResponse,
    WriteMultipleRegistersRequest,
    WriteMultipleRegistersResponse,
)

from devices.boards.board_file import CoilPulse, RegisterPulse, load_board
from devices.errors import LinkDown
from devices.modbus import CoilCommand, RegisterCommand
from devices.sim.modbus_wires import PtyWire, TcpWire

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from devices.boards.board_file import InputBlock, RelayBlock
    from devices.clock import Clock
    from devices.config import BusConfig
    from devices.sim.modbus_wires import Wire

    CoilHook = Callable[[int, bool, float], None]

COIL_TOGGLE = 0x5500
FLASH_OFF_AWAY = 0x0200  # flash-off from flash-on
_READS: dict[type[ModbusPDU], tuple[int, type[ModbusPDU]]] = {
    ReadCoilsRequest: (1, ReadCoilsResponse),
    ReadDiscreteInputsRequest: (2, ReadDiscreteInputsResponse),
    ReadHoldingRegistersRequest: (3, ReadHoldingRegistersResponse),
    ReadInputRegistersRequest: (4, ReadInputRegistersResponse),
}
_OF_BITS = (1, 2)
FRAME_GAP_S = 0.05  # on RTU, silence this long means that an unfinished frame was noise
START_WAIT_S = 5.0
BOUNCE_PERIOD_S = 0.004


class ModbusHost:
    """The board that `config.board` names, all relays off at power-up.

    `on_coil(address, on, at_s)` is called in the board's thread whenever a relay changes, with
    the monotonic time; it must return quickly.
    """

    def __init__(
        self,
        config: BusConfig,
        clock: Clock,
        *,
        on_coil: CoilHook | None = None,
    ) -> None:
        """Read the board's map. Raises `DeviceConfigError` naming file and field."""
        self._config = config
        self._clock = clock
        self._on_coil = on_coil
        self._board = load_board(config.board)
        self._inputs = [False] * self._board.inputs.count
        self._coils = [False] * self._board.relays.count
        self._stuck: dict[int, bool] = {}
        self._bouncing: dict[int, float] = {}  # input -> until, monotonic seconds
        self._flashes: dict[int, asyncio.TimerHandle] = {}
        self._silent = False
        self._exception_code: int | None = None
        self._answer_delay_s = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._wire: Wire | None = None
        self.request_count = 0

    def start(self) -> None:
        """Serve. Raises `LinkDown` naming the place when it is taken. Returns when it answers."""
        loop = asyncio.new_event_loop()
        self._loop = loop
        self._thread = threading.Thread(
            target=loop.run_forever, name=f"modbus-host-{self.place}", daemon=True
        )
        self._thread.start()
        try:
            self.plug()
        except LinkDown:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop serving; leaves no thread, port or link. May be called twice."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        self.unplug()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(START_WAIT_S)
        loop.close()
        self._loop = self._thread = None

    @property
    def place(self) -> str:
        """Where the board is served."""
        if self._config.transport == "tcp":
            return f"{self._config.host}:{self._config.tcp_port}"
        return self._config.serial_port

    def set_input(self, address: int, on: bool) -> None:  # noqa: FBT001 - a switch
        """What the switch at an input terminal says from now on."""
        self._inputs[address] = on

    def set_inputs(self, states: Iterable[bool]) -> None:
        """All inputs at once, terminal 0 first."""
        self._inputs[:] = [bool(state) for state in states]

    def coil(self, address: int) -> bool:
        """Whether a relay's contact is closed."""
        return self._coils[address]

    def coils(self) -> tuple[bool, ...]:
        """All relays, terminal 0 first."""
        return tuple(self._coils)

    def silence(self, on: bool = True) -> None:  # noqa: FBT001, FBT002 - a switch
        """Hear everything, obey nothing, answer nothing: power cut, or the far cable pulled."""
        self._silent = on

    def answer_exception(self, code: int | None) -> None:
        """Answer every request with this Modbus exception (1, 2, 4, 6 ...); None: no longer."""
        self._exception_code = code

    def delay_answers(self, delay_s: float) -> None:
        """Obey at once but answer `delay_s` late. Longer than the client waits: a late answer."""
        self._answer_delay_s = delay_s

    def stick_coil(self, address: int, on: bool | None) -> None:  # noqa: FBT001 - a switch
        """Weld a relay: its contact stays as given whatever it is told; None: repaired."""
        if on is None:
            self._stuck.pop(address, None)
            return
        self._stuck[address] = on
        self._call(self._set_contact(address, on))

    def bounce_input(self, address: int, bounce_s: float) -> None:
        """Let an input chatter around its state for `bounce_s` seconds from now."""
        self._bouncing[address] = self._clock.now().mono_s + bounce_s

    @property
    def is_plugged(self) -> bool:
        """Whether it listens."""
        return self._wire is not None

    def unplug(self) -> None:
        """Stop listening and cut every connection. Relays keep their state, as real ones do."""
        wire = self._wire
        if wire is not None:
            self._wire = None
            self._call(wire.close())

    def plug(self) -> None:
        """Listen again at the same address. Raises `LinkDown` when it is taken meanwhile."""
        if self._wire is not None:
            return
        config = self._config
        wire: Wire = TcpWire(config.host, config.tcp_port, self._new_session)
        if config.transport == "rtu":
            wire = PtyWire(Path(config.serial_port), self._new_session)
        try:
            self._call(wire.open())
        except OSError as exc:
            raise LinkDown(f"modbus host: {self.place}: {exc.strerror or exc}") from exc
        self._wire = wire

    def power_cycle(self) -> None:
        """All relays drop out, as when the board's supply fails and returns."""
        self._call(self._drop_all())

    # --- below: the board's own thread ---

    def _new_session(self, send: Callable[[bytes], None]) -> Callable[[bytes], None]:
        return _Session(self, send, is_rtu=self._config.transport == "rtu").feed

    def answer(self, request: ModbusPDU, send: Callable[[ModbusPDU], None]) -> None:
        """Obey one request and send its answer, unless a fault says otherwise."""
        if request.dev_id != self._config.device_id or self._silent:
            return
        self.request_count += 1
        if self._exception_code is not None:
            response: ModbusPDU = ExceptionResponse(request.function_code, self._exception_code)
        else:
            response = self._obey(request)
        response.dev_id = request.dev_id
        response.transaction_id = request.transaction_id
        if self._answer_delay_s > 0:
            asyncio.get_running_loop().call_later(self._answer_delay_s, send, response)
        else:
            send(response)

    def _obey(self, request: ModbusPDU) -> ModbusPDU:
        match request:
            case CoilCommand():  # RegisterCommand is one
                return self._command(request)
            case WriteMultipleCoilsRequest() if (
                self._board.relays.write == CoilCommand.function_code
            ):
                return self._write_many(request)
            case WriteMultipleRegistersRequest():
                return self._pulse_by_registers(request)
            case _ if type(request) in _READS:
                return self._read(request)
            case _:
                return ExceptionResponse(request.function_code, ExcCodes.ILLEGAL_FUNCTION)

    def _read(self, request: ModbusPDU) -> ModbusPDU:
        """Whichever of the two blocks this function and address belong to."""
        function, response = _READS[type(request)]
        blocks: tuple[tuple[InputBlock | RelayBlock, list[bool]], ...] = (
            (self._board.inputs, self._input_bits()),
            (self._board.relays, self._coils),
        )
        known = [(block, states) for block, states in blocks if block.function == function]
        if not known:
            return ExceptionResponse(function, ExcCodes.ILLEGAL_FUNCTION)
        for block, states in known:
            items = states if function in _OF_BITS else _words(states, block.per_register)
            first, end = request.address - block.address, request.address - block.address
            end += request.count
            if request.count >= 1 and first >= 0 and end <= len(items):
                if function in _OF_BITS:
                    return response(bits=[bool(item) for item in items[first:end]])
                return response(registers=[int(item) for item in items[first:end]])
        return ExceptionResponse(function, ExcCodes.ILLEGAL_ADDRESS)

    def _input_bits(self) -> list[bool]:
        bits = list(self._inputs)
        now_s = self._clock.now().mono_s
        for address, until_s in list(self._bouncing.items()):
            if now_s >= until_s:
                del self._bouncing[address]
            elif int((until_s - now_s) / BOUNCE_PERIOD_S) % 2:
                bits[address] = not bits[address]
        return bits

    def _command(self, request: CoilCommand) -> ModbusPDU:
        """Function 5 or 6 with one value: a switch, or a flash where the board has that."""
        relays, pulse = self._board.relays, self._board.pulse
        if relays.write != request.function_code:
            return ExceptionResponse(request.function_code, ExcCodes.ILLEGAL_FUNCTION)
        if 0 <= (terminal := request.address - relays.address) < len(self._coils):
            if not self._obey_value(terminal, request.value):
                return ExceptionResponse(request.function_code, ExcCodes.ILLEGAL_VALUE)
        elif isinstance(pulse, CoilPulse) and (flash := self._flash_of(request.address, pulse)):
            terminal, on = flash
            self._flash(terminal, on=on, flash_s=request.value * pulse.unit_s)
        else:
            return ExceptionResponse(request.function_code, ExcCodes.ILLEGAL_ADDRESS)
        echo = type(request)(address=request.address)
        echo.value = request.value
        return echo

    def _obey_value(self, terminal: int, value: int) -> bool:
        """Switch a relay as told; False where the board does not know the value."""
        relays = self._board.relays
        if value not in (relays.on, relays.off, COIL_TOGGLE):
            return False
        is_toggled = value == COIL_TOGGLE and not self._coils[terminal]
        self._switch(terminal, value == relays.on or is_toggled)
        return True

    def _flash_of(self, address: int, pulse: CoilPulse) -> tuple[int, bool] | None:
        """The relay and direction of a flash command; None: it is none."""
        for first, on in ((pulse.address, True), (pulse.address + FLASH_OFF_AWAY, False)):
            if 0 <= address - first < len(self._coils):
                return address - first, on
        return None

    def _pulse_by_registers(self, request: WriteMultipleRegistersRequest) -> ModbusPDU:
        """Function 16: two registers of a relay, mode and time; two modes higher is flash-off."""
        pulse = self._board.pulse
        if not isinstance(pulse, RegisterPulse):
            return ExceptionResponse(request.function_code, ExcCodes.ILLEGAL_FUNCTION)
        terminal, rest = divmod(request.address - pulse.address, pulse.step)
        words = list(request.registers)
        if rest or not 0 <= terminal < len(self._coils) or len(words) != 2:
            return ExceptionResponse(request.function_code, ExcCodes.ILLEGAL_ADDRESS)
        mode, duration = words
        if mode not in (pulse.mode, pulse.mode + 2):
            return ExceptionResponse(request.function_code, ExcCodes.ILLEGAL_VALUE)
        self._flash(terminal, on=mode == pulse.mode, flash_s=duration * pulse.unit_s)
        return WriteMultipleRegistersResponse(address=request.address, count=len(words))

    def _write_many(self, request: WriteMultipleCoilsRequest) -> ModbusPDU:
        if request.address + request.count > len(self._coils):
            return ExceptionResponse(request.function_code, ExcCodes.ILLEGAL_ADDRESS)
        for offset, on in enumerate(request.bits):
            self._switch(request.address + offset, bool(on))
        return WriteMultipleCoilsResponse(address=request.address, count=request.count)

    def _flash(self, address: int, *, on: bool, flash_s: float) -> None:
        self._switch(address, on)
        self._flashes[address] = asyncio.get_running_loop().call_later(
            flash_s, self._switch, address, not on
        )

    def _switch(self, address: int, on: bool) -> None:  # noqa: FBT001 - a switch
        """Any command to a relay ends its running flash."""
        if (running := self._flashes.pop(address, None)) is not None:
            running.cancel()
        self._move_contact(address, self._stuck.get(address, on))

    def _move_contact(self, address: int, on: bool) -> None:  # noqa: FBT001 - a switch
        if self._coils[address] == on:
            return
        self._coils[address] = on
        if self._on_coil is not None:
            self._on_coil(address, on, self._clock.now().mono_s)

    async def _set_contact(self, address: int, on: bool) -> None:  # noqa: FBT001 - a switch
        self._move_contact(address, on)

    async def _drop_all(self) -> None:
        for address in range(len(self._coils)):
            self._switch(address, on=False)

    def _call(self, work: Coroutine[object, object, None]) -> None:
        """Run `work` in the board's thread and wait for it; no board running: nothing to do."""
        if self._loop is None:
            work.close()
            return
        asyncio.run_coroutine_threadsafe(work, self._loop).result(START_WAIT_S)


class _Session:
    """One client's bytes: frames in, answers out. Pending bytes are bounded."""

    def __init__(self, host: ModbusHost, send: Callable[[bytes], None], *, is_rtu: bool) -> None:
        decoder = DecodePDU(True)  # noqa: FBT003 - their API: decode requests
        decoder.register(CoilCommand)
        decoder.register(RegisterCommand)
        self._framer: FramerBase = FramerRTU(decoder) if is_rtu else FramerSocket(decoder)
        self._is_rtu = is_rtu
        self._host = host
        self._send_bytes = send
        self._pending = b""
        self._heard_s = 0.0

    def feed(self, data: bytes) -> None:
        """Take what came from the wire, in any pieces."""
        heard_s = asyncio.get_running_loop().time()
        if self._is_rtu and heard_s - self._heard_s > FRAME_GAP_S:
            self._pending = b""
        self._heard_s = heard_s
        self._pending = (self._pending + data)[-FramerBase.MAX_SIZE :]
        while self._pending:
            try:
                used_len, request = self._framer.handleFrame(self._pending, 0, 0)
            except ModbusIOException as exc:
                self._refuse(exc)
                return
            self._pending = self._pending[used_len:]
            if request is None:
                return
            self._host.answer(request, self._send)

    def _refuse(self, exc: ModbusIOException) -> None:
        """A whole frame that says nothing known: TCP refuses it, RTU stays silent."""
        function_code = self._pending[7] if len(self._pending) > 7 else 0
        self._pending = b""
        if not self._is_rtu:
            code = ExcCodes.ILLEGAL_FUNCTION
            self._send(
                ExceptionResponse(function_code & 0x7F, code, exc.dev_id, exc.transaction_id)
            )

    def _send(self, response: ModbusPDU) -> None:
        self._send_bytes(self._framer.buildFrame(response))


def _words(states: list[bool], per_register: int) -> list[int]:
    """Terminals as registers: one each, or sixteen bits, lowest first."""
    if per_register == 1:
        return [int(state) for state in states]
    starts = range(0, len(states), per_register)
    return [
        sum(state << bit for bit, state in enumerate(states[start : start + per_register]))
        for start in starts
    ]
