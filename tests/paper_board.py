"""A board on paper, for tests of the drivers above the bus: it notes what it was told.

It is a `devices.lane_io.api.Board`. `error` is raised by every call while it is set;
`error_on_writes` only by those that move a relay, which are then noted as tried.
"""

from devices.clock import Clock
from devices.errors import DeviceError

Command = tuple[str, int, float]


class PaperBoard:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.inputs = [False] * 8
        self.coils = [False] * 8
        self.commands: list[Command] = []  # ("pulse" | "on" | "off", coil, at_s)
        self.tried: list[Command] = []
        self.error: DeviceError | None = None
        self.error_on_writes: DeviceError | None = None

    def read_inputs(self, address: int, count: int) -> tuple[bool, ...]:
        self._fail_if(self.error)
        return tuple(self.inputs[address : address + count])

    def read_coils(self, address: int, count: int) -> tuple[bool, ...]:
        self._fail_if(self.error)
        return tuple(self.coils[address : address + count])

    def write_coil(self, address: int, on: bool) -> None:  # noqa: FBT001 - as the protocol has it
        self._do(("on" if on else "off", address, self._clock.now().mono_s))
        self.coils[address] = on

    def pulse_coil(self, address: int, pulse_s: float) -> None:
        assert pulse_s > 0
        self._do(("pulse", address, self._clock.now().mono_s))

    def pulses(self, coil: int) -> int:
        return sum(kind == "pulse" and where == coil for kind, where, _ in self.commands)

    def _do(self, command: Command) -> None:
        self.tried.append(command)
        self._fail_if(self.error)
        self._fail_if(self.error_on_writes)
        self.commands.append(command)

    @staticmethod
    def _fail_if(error: DeviceError | None) -> None:
        if error is not None:
            raise error
