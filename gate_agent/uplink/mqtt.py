"""The lane's MQTT client: the only file of the agent that imports paho. Callbacks only enqueue."""

from __future__ import annotations

import queue
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

if TYPE_CHECKING:
    from paho.mqtt.client import ConnectFlags, DisconnectFlags, MQTTMessage
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

KEEPALIVE_S = 10
RECONNECT_MIN_S = 0.25  # a lane that starts beside its hub finds it at once
RECONNECT_MAX_S = 2
INBOX_CAPACITY = 4_096


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """The broker accepted us, or went away; `detail` says why."""

    up: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Received:
    """A message on one of our topics."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAddress:
    """Where the broker is and who we are there."""

    host: str
    port: int
    client_id: str
    username: str
    password: str
    ca_file: str


class MqttLink:
    """A connection that keeps itself up. `inbox` carries what happened, in order.

    When the inbox is full a message is dropped: the hub repeats what matters.
    """

    def __init__(
        self, address: BrokerAddress, subscriptions: list[str], will: tuple[str, bytes]
    ) -> None:
        self.inbox: queue.Queue[LinkChanged | Received] = queue.Queue(INBOX_CAPACITY)
        self._address = address
        self._subscriptions = subscriptions
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=address.client_id,
            protocol=MQTTProtocolVersion.MQTTv311,
            clean_session=True,
        )
        if address.username:
            self._client.username_pw_set(address.username, address.password)
        if address.ca_file:
            self._client.tls_set(ca_certs=address.ca_file, tls_version=ssl.PROTOCOL_TLS_CLIENT)
        self._client.will_set(will[0], will[1], qos=1, retain=True)
        self._client.reconnect_delay_set(
            RECONNECT_MIN_S,  # type: ignore[arg-type] # paho says int and sleeps fractions too
            RECONNECT_MAX_S,
        )
        self._client.max_queued_messages_set(64)
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message

    def start(self) -> None:
        """Begin to connect, and go on trying for ever."""
        self._client.connect_async(self._address.host, self._address.port, KEEPALIVE_S)
        self._client.loop_start()

    def stop(self) -> None:
        """Leave the broker in order and end paho's thread."""
        self._client.disconnect()
        self._client.loop_stop()
        # paho closes its inner sockets only when it is collected; this closes them now.
        self._client.reinitialise()

    @property
    def is_up(self) -> bool:
        """Whether the broker has accepted us and not gone since."""
        return bool(self._client.is_connected())

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> bool:
        """Hand a message to paho if the link is up; whether it was taken. Never waits."""
        if not self.is_up:
            return False
        return (
            self._client.publish(topic, payload, qos=qos, retain=retain).rc == paho.MQTT_ERR_SUCCESS
        )

    def _enqueue(self, item: LinkChanged | Received) -> None:
        try:
            self.inbox.put_nowait(item)
        except queue.Full:
            return

    def _on_connect(
        self,
        client: paho.Client,
        _userdata: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._enqueue(LinkChanged(up=False, detail=str(reason)))
            return
        client.subscribe([(topic, 1) for topic in self._subscriptions])
        self._enqueue(LinkChanged(up=True, detail=""))

    def _on_connect_fail(self, _client: paho.Client, _userdata: object) -> None:
        where = f"{self._address.host}:{self._address.port}"
        self._enqueue(LinkChanged(up=False, detail=f"broker {where} cannot be reached"))

    def _on_disconnect(
        self,
        _client: paho.Client,
        _userdata: object,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._enqueue(LinkChanged(up=False, detail=str(reason)))

    def _on_message(self, _client: paho.Client, _userdata: object, message: MQTTMessage) -> None:
        self._enqueue(Received(message.topic, bytes(message.payload)))
