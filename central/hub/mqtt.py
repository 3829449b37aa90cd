"""The hub's MQTT connection; the only file of the hub that knows paho.

paho calls back on its own thread; every callback hands over to the event loop and returns. The
session is clean: what a broker forgets, the lanes send again. Records are acknowledged to the
broker only once they are stored, so a slow database holds the broker back, not memory.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gate_agent.wire.topics import FROM_LANE, Address, Stream, every_lane, parse_topic, topic

KEEP_ALIVE_S = 10
RECONNECT_MOST_S = 2
IN_FLIGHT = 20

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttAddress:
    """Where the broker is and as whom to connect."""

    host: str
    port: int
    user: str
    password: str
    site: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One message from a lane. `settle()` must be called once, when it needs no repetition."""

    topic: str
    address: Address
    payload: bytes
    settle: Callable[[], None]


class HubMqtt:
    """Connects, stays connected, receives, sends. Event loop only, once started."""

    def __init__(
        self,
        address: MqttAddress,
        *,
        received: Callable[[Received], None],
        connection_changed: Callable[[bool], None],
    ) -> None:
        self._address = address
        self._received = received
        self._connection_changed = connection_changed
        self._connected = False
        self._connection = 0  # counts connections: an old one's messages are not acknowledged
        self._loop: asyncio.AbstractEventLoop | None = None
        self._last_refusal = ""
        self._on_the_way: set[int] = set()  # QoS 1 messages that the broker has not confirmed
        self._window_open = asyncio.Event()
        self._window_open.set()
        self._client = self._make_client()

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted us and we have not heard otherwise."""
        return self._connected

    def start(self) -> None:
        """Begin to connect; never raises for a broker that is not there yet."""
        self._loop = asyncio.get_running_loop()
        self._client.connect_async(self._address.host, self._address.port, KEEP_ALIVE_S)
        self._client.loop_start()

    async def stop(self) -> None:
        """Disconnect and end paho's thread."""
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)
        self._connected = False
        # paho closes its inner sockets only when it goes: let it go now, not with the collector.
        self._client = self._make_client()

    def send(self, lane: str, stream: Stream, payload: bytes, *, qos: int) -> bool:
        """Publish to one lane; False, and nothing is kept, while there is no broker."""
        if not self._connected:
            return False
        sent = self._client.publish(topic(self._address.site, lane, stream), payload, qos)
        if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return False
        if qos:
            self._on_the_way.add(sent.mid)
            self._note_window()
        return True

    async def drained(self) -> None:
        """Wait until less than a window of messages is on the way, or the broker is gone."""
        await self._window_open.wait()

    def _note_window(self) -> None:
        if len(self._on_the_way) < IN_FLIGHT:
            self._window_open.set()
        else:
            self._window_open.clear()

    def _arrived(self, mid: int) -> None:
        self._on_the_way.discard(mid)
        self._note_window()

    def _make_client(self) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"kakou-hub-{self._address.site}",
            clean_session=True,
            protocol=MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )
        client.username_pw_set(self._address.user, self._address.password)
        client.reconnect_delay_set(min_delay=1, max_delay=RECONNECT_MOST_S)
        client.max_inflight_messages_set(IN_FLIGHT)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        return client

    def _on_connect(
        self,
        client: Client,
        _userdata: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._hand_over(self._refused, str(reason))
            return
        client.subscribe([(every_lane(self._address.site, stream), 1) for stream in FROM_LANE])
        self._hand_over(self._connection_is, True)  # noqa: FBT003 - a callback's argument

    def _on_disconnect(
        self,
        _client: Client,
        _userdata: object,
        _flags: DisconnectFlags,
        _reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._hand_over(self._connection_is, False)  # noqa: FBT003

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        self._hand_over(self._take, message)

    def _on_publish(
        self,
        _client: Client,
        _userdata: object,
        mid: int,
        _reason: ReasonCode,
        _properties: Properties,
    ) -> None:
        self._hand_over(self._arrived, mid)

    def _hand_over(self, function: Callable[..., None], *arguments: object) -> None:
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended before paho's thread
                loop.call_soon_threadsafe(function, *arguments)

    def _refused(self, reason: str) -> None:
        if reason != self._last_refusal:
            log.error("broker_refused", broker=self._name(), user=self._address.user, reason=reason)
        self._last_refusal = reason

    def _connection_is(self, connected: bool) -> None:  # noqa: FBT001
        if connected == self._connected:
            return
        self._connected = connected
        self._connection += connected
        self._last_refusal = ""
        self._on_the_way.clear()  # paho sends them again by itself
        self._note_window()
        log.info("broker_connected" if connected else "broker_lost", broker=self._name())
        self._connection_changed(connected)

    def _take(self, message: MQTTMessage) -> None:
        settle = self._settle(message)
        address = parse_topic(message.topic)
        if address is None:
            log.warning("topic_not_ours", topic=message.topic[:200])
            settle()
            return
        self._received(
            Received(
                topic=message.topic, address=address, payload=bytes(message.payload), settle=settle
            )
        )

    def _settle(self, message: MQTTMessage) -> Callable[[], None]:
        connection, mid, qos = self._connection, message.mid, message.qos

        def settle() -> None:
            if qos and connection == self._connection and self._connected:
                self._client.ack(mid, qos)

        return settle

    def _name(self) -> str:
        return f"{self._address.host}:{self._address.port}"
