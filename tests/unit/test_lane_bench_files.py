"""The lanes that a bench file makes: their devices, what they cannot play, and a wrong file."""

from pathlib import Path

import msgspec
import pytest

from devices.boards.board_file import SHIPPED
from devices.card_reader.codecs.resident_id import is_resident_number
from devices.clock import ManualClock
from devices.config import DevicesConfig, load_devices
from devices.registry import CARD_READERS, WEIGHBRIDGES, check
from devices.sim.stream_cameras import can_encode
from gate_agent.domain.containers import is_container_number
from hil_tests.acceptance import __main__ as acceptance
from hil_tests.acceptance.device_lines import device_lines, lines_of_all
from hil_tests.acceptance.drivers import CABLES, NO_LINE, benches_of_every_driver
from hil_tests.lane_bench.bench_file import BenchFile, BenchFileError, can_have, load_bench
from hil_tests.lane_bench.catalogue import SCENARIOS
from hil_tests.lane_bench.lacking import lacks
from hil_tests.lane_bench.lane_site import BenchSite, devices_in
from hil_tests.lane_bench.truck_papers import declaration_rows, papers_of
from hil_tests.lane_bench.trucks import visit_of

BENCHES = Path(__file__).parents[2] / "hil_tests" / "benches"
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
OWN = """
[devices.bus]
transport = "rtu"
serial_port = "/dev/kakou/board"
[devices.weighbridge]
driver = "mt-sics"
port = "/dev/kakou/scale"
baud = 4800
[devices.card_reader]
port = "/dev/kakou/card"
[devices.camera]
driver = "v4l2"
source = "v4l2:///dev/video0"
[devices.tag_reader]
port = "/dev/kakou/tags"
[devices.lane_camera]
source = "rtsp://10.20.1.12/lane"
rate_fps = 3
[devices.barrier]
pulse_s = 0.5
"""
BOX = """
name = "x"
moves = "relay"
lane_file = "l"
devices.{real} = "real"
[relay_box]
board.host = "10.0.0.9"
wires.entry_loop = 0
{more}
"""
TRUCK = "load = 1\nload_kg = 9_000\n[truck]\nplate = '粤B1'\ncard_uid = '1'\ngross_kg = 9_020"


def lanes_of(bench: BenchFile, path: Path, folder: Path) -> list[DevicesConfig]:
    site = BenchSite(folder / "site", bench, path, ManualClock())
    return [load_devices(lane.config) for lane in site.lanes.values()]


def why(bench: BenchFile, name: str) -> str:
    lacking = lacks(bench, BY_NAME[name])
    return "" if lacking is None else lacking.en


def a_bench(
    folder: Path, text: str, further: str = "", card_reader: str = "[devices.card_reader]"
) -> tuple[BenchFile, Path]:
    own = OWN.replace("[devices.card_reader]", card_reader)
    (folder / "lane.toml").write_text(own + further)
    path = folder / "bench.toml"
    path.write_text(f'name = "x"\nlane_file = "lane.toml"\n{text}')
    return load_bench(path), path


@pytest.mark.parametrize("name", ["sim", "share"])
def test_the_simulated_benches_have_every_kind_of_device_and_the_report_lists_each_driver_once(
    name: str, tmp_path: Path
) -> None:
    path = BENCHES / f"{name}.toml"
    bench = load_bench(path)
    configs = lanes_of(bench, path, tmp_path)
    for config in configs:
        check(config)
    lines = device_lines(bench, configs, "1.2.3")
    assert {line.name for line in lines} == set(bench.devices.__struct_fields__)
    assert len({(line.name, line.driver) for line in lines}) == len(lines)
    assert {line.asset.version for line in lines} == {"1.2.3"}


def test_the_benches_of_make_hil_have_every_driver_and_both_board_maps(tmp_path: Path) -> None:
    has: set[str] = set()
    lines = []
    for path in map(Path, acceptance.BENCHES):
        bench = load_bench(path)
        lanes = lanes_of(bench, path, tmp_path)
        has |= set().union(*map(devices_in, lanes))
        lines.append(device_lines(bench, lanes, "1.2.3"))
    both = lines_of_all(lines)
    assert {line.driver for line in both if line.name == "weighbridge"} == set(WEIGHBRIDGES)
    assert {line.driver for line in both if line.name == "camera"} == {
        "stream, http",
        "stream, rtsp",
        *(["stream, rtsp H264"] if can_encode() else []),
    }
    names = [line.name for line in both]
    assert names == sorted(names, key=load_bench(path).devices.__struct_fields__.index)
    assert all(line.asset.model for line in both)
    wanted = {scenario.of for scenario in SCENARIOS if scenario.of}
    absent = {f"card_reader {name}" for name in CARD_READERS if not can_have(name)}
    assert wanted - has == absent


def test_a_bench_of_other_drivers_plays_what_is_of_one_driver_only() -> None:
    bench = load_bench(BENCHES / "drivers.toml")
    assert bench.is_to_play(BY_NAME["faultless:yaohua-a12"])
    assert not bench.is_to_play(BY_NAME["faultless"])
    assert load_bench(BENCHES / "sim.toml").is_to_play(BY_NAME["faultless"])


def test_a_driver_of_an_identity_card_reader_has_an_identity_number_of_his_own() -> None:
    bench, scenario = load_bench(BENCHES / "drivers.toml"), BY_NAME["faultless:resident-id"]
    numbers = {papers_of(number, bench, scenario).card_uid for number in range(900)}
    assert len(numbers) == 900
    assert all(map(is_resident_number, numbers))
    assert papers_of(3, bench, BY_NAME["faultless"]).card_uid == "51A40003"


def test_the_lanes_whose_cables_are_pulled_have_every_driver_that_has_a_cable(
    tmp_path: Path,
) -> None:
    benches = list(benches_of_every_driver())
    configs = [
        config for bench in benches for config in lanes_of(bench, tmp_path / "none", tmp_path)
    ]
    for config in configs:
        check(config)
    assert {config.weighbridge.driver for config in configs} == set(WEIGHBRIDGES)
    assert {config.card_reader.driver for config in configs} == set(CARD_READERS) - NO_LINE
    assert {config.sign.driver for config in configs if config.sign} == {"led-64ff", "http"}
    assert any(config.tag_reader for config in configs)
    assert {config.bus.transport for config in configs} == {"tcp", "rtu"}
    assert {config.bus.board for config in configs} == {"waveshare", "lc"}
    assert any(config.lane_camera for config in configs)
    assert {config.camera.source[:4] for config in configs} == {"http", "rtsp"}
    assert {cable.device for cable in CABLES} == {
        "weighbridge", "card_reader", "tag_reader", "sign", "bus", "camera", "lane_camera",
    }  # fmt: skip


def test_a_real_lanes_own_keys_stay_and_only_the_places_of_simulated_devices_change(
    tmp_path: Path,
) -> None:
    text = 'moves = "prompt"\n[devices]\nbus = "real"\n'
    bench, path = a_bench(
        tmp_path, text + '[truck]\nplate = "粤B1"\ncard_uid = "1"\ngross_kg = 9000'
    )
    (config,) = lanes_of(bench, path, tmp_path)
    assert config.bus.serial_port == "/dev/kakou/board"
    assert (config.weighbridge.driver, config.weighbridge.baud) == ("mt-sics", 4800)
    assert config.weighbridge.port.startswith(str(tmp_path))
    assert config.tag_reader is not None
    assert config.tag_reader.port.startswith(str(tmp_path))
    assert config.camera.driver == "stream"
    assert config.camera.source.startswith("http://127.0.0.1:")
    assert config.lane_camera is not None
    assert config.lane_camera.source.startswith("http://127.0.0.1:")
    assert config.lane_camera.rate_fps == 3
    assert config.barrier.pulse_s == 0.5
    check(config)


def test_a_device_that_is_real_must_stand_in_the_lane_file(tmp_path: Path) -> None:
    bench, path = a_bench(tmp_path, '[devices]\nsign = "real"')
    with pytest.raises(BenchFileError, match=r"lane.toml: no \[devices.sign\], which .*bench.toml"):
        lanes_of(bench, path, tmp_path)


def test_a_relay_box_skips_what_it_cannot_move_and_says_what_that_is() -> None:
    bench = load_bench(BENCHES / "relay.toml")
    assert lacks(bench, BY_NAME["faultless"]) is None
    assert why(bench, "far_too_heavy") == (
        "the relay box has one load: its weight cannot be changed"
    )
    assert why(bench, "platform_swings_long") == ("the load of a relay box does not swing")
    assert bench.relay_box is not None
    box = msgspec.structs.replace(bench.relay_box, load=None, load_kg=None)
    unloaded = msgspec.structs.replace(bench, relay_box=box)
    for name in ("faultless", "no_card", "board_unplugged-rising", "scale_net-held"):
        assert why(unloaded, name).startswith("no weight moves on a real")
    assert lacks(unloaded, BY_NAME["card_unplugged-before"]) is None  # whatever: no release
    filmed = msgspec.structs.replace(
        bench, devices=msgspec.structs.replace(bench.devices, camera="real")
    )
    assert why(filmed, "plate_covered") == "no plate drives past a real camera"
    assert lacks(filmed, BY_NAME["camera_black-before"]) is None


def test_a_truck_of_a_relay_box_weighs_its_load_and_has_plate_card_tag_and_box_of_its_own() -> None:
    bench = load_bench(BENCHES / "relay.toml")
    papers = [papers_of(number, bench) for number in range(600)]
    assert {each.gross_kg for each in papers} == {18_240}
    own = ((each.plate, each.card_uid, each.tag_id, each.container) for each in papers)
    for values in zip(*own, strict=True):
        assert len(set(values)) == len(papers)
    assert all(is_container_number(each.container) for each in papers)
    assert {len(bytes.fromhex(each.tag_id)) for each in papers} == {12}
    (row,) = declaration_rows(BY_NAME["faultless"], papers[3], 3)
    assert row.endswith(f",released,,{papers[3].tag_id},{papers[3].container}")


def test_a_simulated_container_camera_sees_what_is_declared_and_none_is_declared_for_a_real_one(
    tmp_path: Path,
) -> None:
    truck = '[truck]\nplate = "粤B12345"\ncard_uid = "8A2B3C4D"\ngross_kg = 9000\n'
    simulated, _ = a_bench(tmp_path, truck)
    papers = papers_of(7, simulated)
    (row,) = declaration_rows(BY_NAME["faultless"], papers, 7)
    seen = visit_of(BY_NAME["faultless"], papers, 1, is_filmed=False).containers
    assert row.rpartition(",")[2] == papers.container
    assert seen == (papers.container,)
    real, _ = a_bench(tmp_path, f'{truck}[devices]\ncontainer_camera = "real"\n', BOXES)
    papers = papers_of(7, real)
    assert papers.container == ""
    assert visit_of(BY_NAME["faultless"], papers, 1, is_filmed=False).containers == ()


def test_a_person_cannot_drive_over_simulated_loops_and_the_bench_file_says_so(
    tmp_path: Path,
) -> None:
    text = 'moves = "prompt"\n[devices]\ncamera = "real"\n[truck]\nplate = "粤B12345"\n'
    with pytest.raises(BenchFileError, match=r"devices.bus: moves = prompt needs it real"):
        a_bench(tmp_path, text + 'card_uid = "8A2B3C4D"\ngross_kg = 9000')


def test_with_a_person_at_the_wheel_only_what_is_real_keeps_a_scenario_from_being_played(
    tmp_path: Path,
) -> None:
    truck = '[truck]\nplate = "粤B12345"\ncard_uid = "8A2B3C4D"\ngross_kg = 9000'
    text = f'moves = "prompt"\n[devices]\nbus = "real"\n{truck}'
    bench, _ = a_bench(tmp_path, text)
    assert lacks(bench, BY_NAME["far_too_heavy"]) is None
    assert why(bench, "card_of_another_vehicle") == "a second card is not in the bench file"
    assert why(bench, "scale_frozen-capturing").startswith(
        "a real truck's weight is on a simulated"
    )
    assert lacks(bench, BY_NAME["scale_frozen-before"]) is None
    assert lacks(bench, BY_NAME["card_unplugged-capturing"]) is None
    further = 'bus = "real"\nweighbridge = "real"\ncard_reader = "real"\n'
    bench, _ = a_bench(tmp_path, f'moves = "prompt"\n[devices]\n{further}{truck}')
    assert why(bench, "far_too_heavy") == "a real truck's weight cannot be changed"
    assert why(bench, "card_of_another_vehicle") == "a second card is not in the bench file"


BOXES = """
[devices.container_camera]
listen = "10.20.1.5"
port = 8086
path = "/boxes"
allow = ["10.20.1.13"]
username = "camera"
password_file = "/nowhere/password"
"""


def test_a_camera_that_reads_containers_is_named_in_the_bench_file_and_listed_with_its_serial(
    tmp_path: Path,
) -> None:
    asset = '[assets.container_camera]\nserial = "4711"\n'
    bench, path = a_bench(tmp_path, f'[devices]\ncontainer_camera = "real"\n{asset}', BOXES)
    (config,) = lanes_of(bench, path, tmp_path)
    assert config.container_camera is not None
    assert config.container_camera.listen == "10.20.1.5"
    assert config.container_camera.password_file == "/nowhere/password"
    (line,) = (
        line for line in device_lines(bench, [config], "1.2.3") if line.name == "container_camera"
    )
    assert (line.presence, line.driver) == ("real", "http-json")
    assert (line.place, line.asset.serial) == ("10.20.1.5:8086/boxes", "4711")


def test_simulated_devices_have_keys_and_passwords_of_their_own_where_the_lanes_cannot_be_read(
    tmp_path: Path,
) -> None:
    key = '[devices.card_reader]\ndriver = "osdp"\nkey_file = "/etc/kakou/nowhere.key"\n'
    bench, path = a_bench(tmp_path, "", BOXES, card_reader=key)
    (config,) = lanes_of(bench, path, tmp_path)
    made, posts = Path(config.card_reader.key_file), config.container_camera
    assert made.is_relative_to(tmp_path)
    assert len(bytes.fromhex(made.read_text())) == 16
    assert posts is not None
    assert (posts.listen, posts.allow, posts.path) == ("127.0.0.1", ("127.0.0.1",), "/boxes")
    assert Path(posts.password_file).read_text()
    assert Path(posts.password_file).is_relative_to(tmp_path)
    readable = tmp_path / "own.key"
    readable.write_text("00" * 16)
    bench, path = a_bench(
        tmp_path, "", card_reader=key.replace("/etc/kakou/nowhere.key", str(readable))
    )
    (config,) = lanes_of(bench, path, tmp_path)
    assert config.card_reader.key_file == str(readable)


def test_a_board_of_a_map_file_stands_beside_the_bench_file_and_the_report_names_the_file(
    tmp_path: Path,
) -> None:
    usual = (SHIPPED / "waveshare.toml").read_text(encoding="utf-8")
    (tmp_path / "ours.toml").write_text(usual, encoding="utf-8")
    path = tmp_path / "bench.toml"
    path.write_text('name = "x"\nboards = ["ours.toml"]\n')
    bench = load_bench(path)
    (config,) = lanes_of(bench, path, tmp_path)
    assert config.bus.board == str(tmp_path / "ours.toml")
    drivers = {line.driver for line in device_lines(bench, [config], "1.2.3")}
    assert "ours.toml, modbus tcp" in drivers

    (tmp_path / "ours.toml").write_text(usual.replace("sounder = 6", "sounder = 66"))
    with pytest.raises(BenchFileError, match=r"bench\.toml: boards: .*ours\.toml.*sounder"):
        load_bench(path)
    path.write_text('name = "x"\nboards = ["theirs.toml"]\n')
    with pytest.raises(BenchFileError, match=r"boards: .*theirs\.toml: No such file"):
        load_bench(path)


def test_every_bench_file_here_can_be_read_and_a_wrong_one_names_its_key(tmp_path: Path) -> None:
    moves = {load_bench(path).moves for path in BENCHES.glob("*.toml")}
    assert moves == {"simulated", "prompt", "relay"}
    path = tmp_path / "bench.toml"
    for text, told in (
        ('name = "x"\nmovse = "prompt"', "movse"),
        ('name = "x"\nmoves = "prompt"', "[truck] is needed"),
        ('name = "x"\n[devices]\ncamera = "real"', "needs lane_file"),
        ('name = "x"\nlane_file = "l"\n[devices]\nbus = "real"', "moves = prompt"),
        ('name = "x"\nsigns = ["led"]', "signs: unknown driver 'led'; known are none, led-64ff"),
        ('name = "x"\ncard_readers = ["none"]', "card_readers: unknown driver 'none'"),
        ('name = "x"\nlane_file = "l"\n[devices]\ncard_reader = "real"', "[truck] is needed"),
        ('name = "x"\nmoves = "relay"', "[relay_box] belongs to"),
        (
            BOX.format(real="bus", more=""),
            "relay_box.wires: rear_beam, front_beam, exit_loop needed",
        ),
        (BOX.format(real="weighbridge", more="load = 1"), "load and load_kg belong together"),
        (
            BOX.format(real="weighbridge", more="load = 0\nload_kg = 9_000"),
            "two wires on one relay",
        ),
        (BOX.format(real="weighbridge", more=TRUCK), "are of one truck, and differ"),
        ("name = ", "bench.toml"),
    ):
        path.write_text(text)
        with pytest.raises(BenchFileError) as caught:
            load_bench(path)
        assert told in str(caught.value)
        assert str(path) in str(caught.value)
