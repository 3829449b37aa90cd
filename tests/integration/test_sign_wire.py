"""Signs on real wires: an LED board on a pty and over TCP, a sign over HTTP."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devices.clock import SystemClock
from devices.config import SignConfig
from devices.errors import DeviceConfigError, DeviceError, LinkDown, RemoteProtocolError
from devices.sign.api import SignMessage
from devices.sign.opening import open_sign
from devices.sim.line_host import line_host
from devices.sim.sign import SimHttpSign, SimLedBoard, SimSign, sim_sign
from tests.modbus_bench import free_port

CLOCK = SystemClock()
CARD = SignMessage(
    code="present_card", lines=("请停稳刷卡", "STOP - PRESENT CARD"), spoken="请停稳刷卡"
)
GO = SignMessage(code="proceed", lines=("放行 请通过", "PROCEED"))


@pytest.fixture(params=["pty", "tcp", "http"], ids=["led-64ff-pty", "led-64ff-tcp", "http"])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> SignConfig:
    match request.param:
        case "pty":
            return SignConfig(driver="led-64ff", port=str(tmp_path / "sign"), baud=115_200)
        case "tcp":
            return SignConfig(driver="led-64ff", port=f"tcp://127.0.0.1:{free_port()}")
        case _:
            return SignConfig(driver="http", url=f"http://127.0.0.1:{free_port()}/lane1")


@pytest.fixture
def sign(config: SignConfig) -> Iterator[SimSign]:
    is_line = config.driver != "http"
    line = line_host("sign", config.port, baud=config.baud, clock=CLOCK) if is_line else None
    sign = sim_sign(config, line)
    sign.start()
    yield sign
    sign.stop()


def wait_until(condition: Callable[[], bool], within_s: float = 5.0) -> None:
    deadline_s = CLOCK.now().mono_s + within_s
    while not condition():
        assert CLOCK.now().mono_s < deadline_s, "did not happen in time"
        CLOCK.sleep(0.01)


def test_the_driver_reads_both_lines_and_hears_the_first(config: SignConfig, sign: SimSign) -> None:
    driver = open_sign(config, CLOCK)
    driver.open()
    driver.show(CARD)
    wait_until(lambda: sign.lines == dict(enumerate(CARD.lines)) and bool(sign.spoken))
    driver.show(GO)
    wait_until(lambda: sign.lines == dict(enumerate(GO.lines)))
    assert sign.spoken == ["请停稳刷卡"]
    driver.close()
    driver.close()
    with pytest.raises(LinkDown, match="sign: not open"):
        driver.show(GO)


def test_a_sign_without_a_voice_says_nothing(tmp_path: Path) -> None:
    config = SignConfig(driver="http", url=f"http://127.0.0.1:{free_port()}/", voice=False)
    sign = SimHttpSign(config)
    sign.start()
    driver = open_sign(config, CLOCK)
    driver.open()
    driver.show(CARD)
    assert sign.code == "present_card"
    assert sign.spoken == []
    sign.stop()
    assert tmp_path


def test_an_unplugged_sign_is_told_and_recovers_without_a_restart(
    config: SignConfig, sign: SimSign
) -> None:
    driver = open_sign(config, CLOCK)
    driver.open()
    driver.show(CARD)
    sign.stop()

    def is_lost() -> bool:
        try:
            driver.show(GO)
        except DeviceError:
            return True
        return False

    wait_until(is_lost)
    driver.close()
    sign.start()
    driver.open()
    driver.show(GO)
    wait_until(lambda: sign.lines == dict(enumerate(GO.lines)))
    driver.close()


def test_a_sign_that_refuses_a_message_has_not_shown_it() -> None:
    config = SignConfig(driver="http", url=f"http://127.0.0.1:{free_port()}/")
    sign = SimHttpSign(config)
    sign.status = 503
    sign.start()
    driver = open_sign(config, CLOCK)
    driver.open()
    with pytest.raises(RemoteProtocolError, match="answered 503"):
        driver.show(CARD)
    sign.stop()


def test_a_damaged_line_shows_the_old_text_rather_than_a_wrong_one(tmp_path: Path) -> None:
    config = SignConfig(driver="led-64ff", port=str(tmp_path / "sign"))
    line = line_host("sign", config.port, baud=115_200, clock=CLOCK)
    sign = SimLedBoard(line, config)
    sign.start()
    driver = open_sign(config, CLOCK)
    driver.open()
    driver.show(GO)
    wait_until(lambda: len(sign.lines) == 2)
    with Path(config.port).open("wb", buffering=0) as port:
        port.write(b"\x00\x64\xff\xff\x62\x17\x00\x15 noise that looks like a frame")
    driver.show(CARD)
    driver.show(CARD)
    wait_until(lambda: sign.lines == dict(enumerate(CARD.lines)))
    driver.close()
    sign.stop()


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (SignConfig(driver="http"), r"sign\.url: '' is no http"),
        (SignConfig(driver="http", url="ftp://sign/"), r"sign\.url"),
        (SignConfig(driver="led-64ff"), r"sign\.port: needed"),
    ],
)
def test_a_table_that_cannot_work_is_refused_by_its_key(config: SignConfig, said: str) -> None:
    with pytest.raises(DeviceConfigError, match=said):
        open_sign(config, CLOCK)
