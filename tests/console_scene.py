"""A real hub process and lanes played over a real broker, for looking at the console.

The hub is `gate-central run` with its embedded broker; a played lane is an MQTT client that sends
the records and health that a lane would, and collects the commands that it is sent.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from central.auth import commands
from central.auth.roles import Role
from gate_agent.store.clip_shelf import ClipShelf
from gate_agent.uplink.clip_sender import ClipSender
from gate_agent.wire import v1
from gate_agent.wire.topics import Stream, topic
from hil_tests.rig import free_ports
from models.lpr.plates import PlateClass
from models.synth.plate_pictures import draw_plate
from models.synth.scenes import draw_scene, encode_jpeg, photograph
from tests.console_desk import cheap_passwords

PASSWORD = "harbour lights 7"
SITE = "port"
MINUTE_MS = 60_000
HOUR_MS = 3_600_000


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def free_port() -> int:
    return free_ports(1)[0]


def wait_until(condition: Callable[[], bool], *, within_s: float = 15.0, what: str = "") -> None:
    end_s = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end_s:
            raise AssertionError(f"not within {within_s} s: {what or condition}")
        time.sleep(0.05)


class HubProcess:
    """`gate-central run` on free ports, with three users and a token."""

    def __init__(self, folder: Path, lanes: Sequence[str]) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.http_port, self.mqtt_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.http_port}"
        self.config = folder / "central.toml"
        names = ", ".join(f'"{lane}"' for lane in lanes)
        self.config.write_text(
            f'site = "{SITE}"\nstate = "{self.state}"\nlanes = [{names}]\n'
            f"[http]\nport = {self.http_port}\n[broker]\nport = {self.mqtt_port}\n",
            encoding="utf-8",
        )
        with cheap_passwords():  # the hub hashes them again at its own cost when they come in
            for name, role in (
                ("vera", Role.VIEWER),
                ("sun.li", Role.SUPERVISOR),
                ("admin", Role.ADMINISTRATOR),
            ):
                commands.add_user(self.state, name, PASSWORD, role, now_ms())
        self.token = commands.add_token(self.state, "broker", Role.ADMINISTRATOR, now_ms())
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "hub.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "central.cli", "run", "--config", str(self.config)],
                stdout=log,
                stderr=log,
            )
        wait_until(self._answers, within_s=30, what=f"hub; see {self.folder / 'hub.log'}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(15)
            self._process = None

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", timeout=2).status_code == HTTPStatus.OK
        except httpx.HTTPError:
            return False

    def call(self, method: str, path: str, body: bytes | None = None) -> Any:  # noqa: ANN401 - JSON of any shape
        """One call of API v1 with an administrator's token; its JSON."""
        answer = httpx.request(
            method,
            f"{self.url}{path}",
            content=body,
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=10,
        )
        return answer.json()


class PlayedLane:
    """One lane: numbered records, health, and the commands it got."""

    def __init__(self, hub: HubProcess, lane: str) -> None:
        self.lane = lane
        self.epoch = f"e-{lane}"
        self.seq = 0
        self.acked = 0
        self.is_sending_clips = threading.Event()
        self._clips = ClipSender(ClipShelf(hub.folder / lane), lane, self._send_part)
        self.commands: list[v1.OverrideCommand | v1.SetModeCommand | v1.LowerBarrierCommand] = []
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=f"played-{lane}", protocol=mqtt.MQTTv311
        )
        password = (hub.state / "broker" / "passwords" / lane).read_text(encoding="utf-8").strip()
        self._client.username_pw_set(lane, password)
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", hub.mqtt_port)
        self._client.loop_start()
        wait_until(self._client.is_connected, what=f"{lane} connected")
        for stream in (Stream.COMMAND, Stream.ACK, Stream.CLIP_REQUEST):
            self._client.subscribe(topic(SITE, lane, stream), qos=1)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client: object, _userdata: object, message: mqtt.MQTTMessage) -> None:
        decoded = v1.decode_hub_message(bytes(message.payload))
        if isinstance(decoded, v1.RecordAck):
            self.acked = max(self.acked, decoded.through_seq)
        elif isinstance(decoded, v1.ClipRequest):
            self._clips.take(decoded)
            if self.is_sending_clips.wait(0):
                self._clips.serve(now_ms())
        elif isinstance(
            decoded, v1.OverrideCommand | v1.SetModeCommand | v1.LowerBarrierCommand
        ) and decoded.command_id not in {command.command_id for command in self.commands}:
            self.commands.append(decoded)

    def _send_part(self, payload: bytes) -> bool:
        self._client.publish(topic(SITE, self.lane, Stream.CLIP_PART), payload)
        return True

    def publish(self, stream: Stream, message: v1.LaneMessage) -> None:
        qos = 0 if stream is Stream.HEALTH else 1
        self._client.publish(topic(SITE, self.lane, stream), v1.encode(message), qos=qos)

    def send(self, *bodies: v1.RecordBody, at_ms: int | None = None) -> None:
        """Send records and wait until the hub has acknowledged them."""
        records = []
        for body in bodies:
            self.seq += 1
            records.append(
                v1.RawRecord(
                    seq=self.seq, at_ms=at_ms or now_ms(), body=msgspec.Raw(v1.encode(body))
                )
            )
        self.publish(
            Stream.RECORDS,
            v1.RecordBatch(lane=self.lane, epoch=self.epoch, records=tuple(records)),
        )
        wait_until(lambda: self.acked >= self.seq, what=f"{self.lane} acknowledged {self.seq}")

    def health(self, **changes: object) -> None:
        values: dict[str, object] = {
            "lane": self.lane,
            "epoch": self.epoch,
            "at_ms": now_ms(),
            "mode": "auto",
            "phase": "idle",
            "passage_id": None,
            "barrier": "closed",
            "weight_kg": 0,
            "weight_state": "empty",
            "faults": (),
            "manifest_version": 1,
            "manifest_age_s": 0.6,
            "last_seq": self.seq,
            "unsent": 0,
            "oldest_unsent_s": 0.0,
            "showing": "welcome",
        }
        self.publish(Stream.HEALTH, msgspec.convert(values | changes, v1.LaneHealth))

    def online(self) -> None:
        self.publish(
            Stream.STATUS,
            v1.LaneStatus(lane=self.lane, epoch=self.epoch, online=True, version="0.1.0"),
        )


def picture(plate: str, plate_class: PlateClass, seed: int, *, unreadable: bool = False) -> bytes:
    rng = np.random.default_rng(seed)
    scene = draw_scene(rng, draw_plate(plate, plate_class), unreadable=unreadable)
    return encode_jpeg(photograph(rng, scene), 80)


def taken(passage_id: str, jpeg: bytes, view: str = "plate") -> v1.PictureTaken:
    return msgspec.convert(
        {
            "passage_id": passage_id,
            "picture_id": sha256(jpeg).hexdigest(),
            "view": view,
            "jpeg": jpeg,
        },
        v1.PictureTaken,
    )


def evidence(
    plate: str | None, card: str | None, gross_kg: int | None, **more: object
) -> v1.EvidenceFacts:
    facts: dict[str, object] = {
        "plate": plate
        and {
            "text": plate,
            "plate_class": "blue",
            "confidence_permille": more.pop("confidence_permille", 982),
            "frames_agreed": 4,
            "frames_seen": 5,
            "age_ms": 3120,
        },
        "card": card and {"uid": card, "age_ms": 2260},
        "weight": gross_kg and {"gross_kg": gross_kg, "division_kg": 20, "spread_kg": 20,
                                "age_ms": 40},
    }  # fmt: skip
    return msgspec.convert(facts | more, v1.EvidenceFacts)


def declaration(
    number: int, plates: tuple[str, ...], card: str, gross_kg: int, **more: object
) -> v1.DeclarationRow:
    values: dict[str, object] = {
        "declaration_id": f"D{number:06}",
        "plates": plates,
        "card_uid": card,
        "gross_kg": gross_kg,
        "valid_from_ms": now_ms() - HOUR_MS,
        "valid_until_ms": now_ms() + 4 * HOUR_MS,
    }
    return msgspec.convert(values | more, v1.DeclarationRow)


def decided(
    passage_id: str,
    outcome: str,
    facts: v1.EvidenceFacts,
    found: v1.DeclarationRow | None,
    *reasons: str,
) -> v1.PassageDecided:
    return msgspec.convert(
        {
            "passage_id": passage_id,
            "outcome": outcome,
            "reasons": reasons,
            "evidence": facts,
            "declaration": found,
            "manifest_version": 1,
            "policy_version": "default-1",
        },
        v1.PassageDecided,
        from_attributes=True,
    )


def closed(passage_id: str, outcome: str, by: str, left: str = "exit") -> v1.PassageClosed:
    timeline = {
        "plate_ms": 1350, "card_ms": 1810, "weight_ms": 3240, "decided_ms": 3252,
        "raise_sent_ms": 3258, "boom_up_ms": 4790, "exit_clear_ms": 11_900, "decision_us": 5900,
    }  # fmt: skip
    return msgspec.convert(
        {
            "passage_id": passage_id,
            "outcome": outcome,
            "decided_by": by,
            "left": left,
            "arrived_at_ms": now_ms() - 12_000,
            "timeline": timeline,
        },
        v1.PassageClosed,
    )


CSV_HEAD = "declaration_id,plates,card_uid,gross_kg,valid_from,valid_until,documents,holds\n"


def manifest_csv(rows: Sequence[v1.DeclarationRow]) -> bytes:
    def when(at_ms: int) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_ms / 1000))

    lines = [
        f"{row.declaration_id},{'|'.join(row.plates)},{row.card_uid},{row.gross_kg},"
        f"{when(row.valid_from_ms)},{when(row.valid_until_ms)},{row.documents},"
        f"{'|'.join(row.holds)}\n"
        for row in rows
    ]
    return (CSV_HEAD + "".join(lines)).encode()
