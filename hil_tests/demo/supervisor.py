"""A simulated supervisor: sees what waits at the console, thinks for a moment, decides.

It works through the console's own interface with a supervisor's login. Its eyes are the traffic's
knowledge of what is written on the truck in the lane, as a person reads it in the picture; what
was declared, presented and weighed it knows from the console only.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from gate_agent.domain.matching import normalize_card, normalize_plate
from hil_tests.demo.console_client import ConsoleError

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.clock import Clock
    from hil_tests.demo.console_client import ConsoleClient

THINKS_S = 3.0
LOOKS_EVERY_S = 0.7
_READ_BY_EYE = frozenset({"plate_missing", "plate_doubtful"})


class Supervisor:
    """One person at the console. `eyes(lane)`: the plate of the truck in view, None if covered."""

    def __init__(
        self,
        console: ConsoleClient,
        password: str,
        eyes: Callable[[str], str | None],
        clock: Clock,
    ) -> None:
        self._console = console
        self._password = password
        self._eyes = eyes
        self._clock = clock
        self._seen_s: dict[str, float] = {}
        self._decided: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        """Sit down."""
        self._thread.start()

    def stop(self) -> None:
        """Go home."""
        self._stop.set()
        if self._thread.ident is not None:  # it was started
            self._thread.join(12.0)

    def _run(self) -> None:
        is_signed_in = False
        while not self._stop.wait(LOOKS_EVERY_S):
            try:
                if not is_signed_in:
                    self._console.sign_in("supervisor", self._password)
                    is_signed_in = True
                held: Any = self._console.get("/held")
                for vehicle in held:
                    self._consider(vehicle["passage"])
            except ConsoleError:
                continue  # the hub is away: the vehicles wait, the lane goes on by itself

    def _consider(self, passage: Any) -> None:  # noqa: ANN401 - JSON of the console
        passage_id = passage["passage_id"]
        now_s = self._clock.now().mono_s
        since_s = self._seen_s.setdefault(passage_id, now_s)
        if passage_id in self._decided or now_s - since_s < THINKS_S:
            return
        self._decided.add(passage_id)
        decision, reason = self._decide(passage)
        try:
            path = f"/passages/{passage_id}/override"
            self._console.post(path, {"decision": decision, "reason": reason})
        except ConsoleError as exc:
            if exc.status != 409:
                self._decided.discard(passage_id)

    def _decide(self, passage: Any) -> tuple[str, str]:  # noqa: ANN401 - JSON of the console
        reasons = set(passage["reasons"])
        if "agency_hold" in reasons or "weight_far_off" in reasons:
            return "inspect", "sent to the yard"
        if reasons and reasons <= _READ_BY_EYE and self._papers_fit(passage):
            return "release", "plate read from the picture, card and weight agree"
        return "refuse", "papers and vehicle do not agree"

    def _papers_fit(self, passage: Any) -> bool:  # noqa: ANN401 - JSON of the console
        plate = self._eyes(passage["lane"])
        if plate is None or passage["declaration_id"] is None:
            return False
        declared: Any = self._console.get("/manifest/declarations", id=passage["declaration_id"])
        return any(
            normalize_plate(plate) in map(normalize_plate, row["plates"])
            and normalize_card(row["card_uid"]) == normalize_card(passage["card_uid"] or "")
            for row in declared
        )
