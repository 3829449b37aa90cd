"""Our bus with a foreign board, and our board with a foreign client: pymodbus as it comes."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from pymodbus.client import ModbusTcpClient
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from devices.clock import SystemClock
from devices.config import BusConfig
from devices.errors import RemoteProtocolError
from devices.modbus import ModbusBus
from devices.sim.modbus_host import ModbusHost
from tests.modbus_bench import free_port

CLOCK = SystemClock()


@pytest.fixture
def foreign_board() -> Iterator[BusConfig]:
    """The server of pymodbus itself, with coils and inputs 0..15 and no flash-on."""
    port = free_port()
    bits = [True, False, True, *[False] * 13]
    no_registers = [SimData(0, count=1, values=0, datatype=DataType.REGISTERS)]
    device = SimDevice(
        1,
        simdata=(
            [SimData(0, values=[False] * 16, datatype=DataType.BITS)],
            [SimData(0, values=bits, datatype=DataType.BITS)],
            no_registers,
            no_registers,
        ),
    )
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def serve() -> ModbusTcpServer:
        server = ModbusTcpServer(device, address=("127.0.0.1", port))
        await server.serve_forever(background=True)
        return server

    server = asyncio.run_coroutine_threadsafe(serve(), loop).result(10)
    yield BusConfig(tcp_port=port, timeout_s=2.0)

    async def shut_down() -> None:
        await server.shutdown()  # type: ignore[no-untyped-call]
        await asyncio.sleep(0.1)

    asyncio.run_coroutine_threadsafe(shut_down(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def test_our_bus_reads_and_switches_a_board_that_we_did_not_write(
    foreign_board: BusConfig,
) -> None:
    bus = ModbusBus(foreign_board, CLOCK)
    bus.open()
    assert bus.read_inputs(0, 8) == (True, False, True, False, False, False, False, False)
    bus.write_coil(6, True)
    assert bus.read_coils(0, 8) == (False,) * 6 + (True, False)
    with pytest.raises(RemoteProtocolError, match="exception 2"):
        bus.pulse_coil(0, 0.3)  # this board has no flash-on and says so
    bus.close()


def test_a_board_without_flash_on_is_pulsed_by_the_bus(foreign_board: BusConfig) -> None:
    config = BusConfig(tcp_port=foreign_board.tcp_port, timeout_s=2.0, flash_on=False)
    bus = ModbusBus(config, CLOCK)
    bus.open()
    bus.pulse_coil(0, 30.0)
    assert bus.read_coils(0, 8)[0]
    bus.close()
    bus.open()
    assert not bus.read_coils(0, 8)[0]
    bus.close()


def test_a_client_that_we_did_not_write_finds_an_ordinary_board() -> None:
    config = BusConfig(tcp_port=free_port())
    host = ModbusHost(config, CLOCK)
    host.set_input(3, True)
    host.start()
    client = ModbusTcpClient("127.0.0.1", port=config.tcp_port, timeout=2, retries=0)
    assert client.connect()  # type: ignore[no-untyped-call]
    assert list(client.read_discrete_inputs(0, count=8, device_id=1).bits)[3]
    assert not client.write_coils(0, [True, False, True], device_id=1).isError()
    assert host.coils()[:3] == (True, False, True)
    assert client.read_holding_registers(0, count=1, device_id=1).exception_code == 1
    assert client.read_coils(0, count=9, device_id=1).exception_code == 2
    client.close()  # type: ignore[no-untyped-call]
    host.stop()
