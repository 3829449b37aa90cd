"""The passages of the golden dossiers, each lived by a whole lane with a real store."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from gate_agent.domain.events import (
    ClaimAnswered,
    Overridden,
    PlateRead,
)
from gate_agent.domain.evidence import ClaimState, KnownEmpty, Sighting
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.manifest import (
    AgencyAnswer,
    AgencyState,
    Appointment,
    Documents,
    Draw,
    Kind,
    Risk,
)
from gate_agent.domain.policy_pack import LaneProfile, OpenHours, PolicyPack, SlipBook
from gate_agent.domain.vocabulary import (
    CommandId,
    Instant,
    Mode,
    Outcome,
    Phase,
    WeightState,
)
from tests.builders import (
    BOX,
    GROSS_KG,
    HOUR_MS,
    OTHER_BOX,
    OTHER_TAG,
    PLATE,
    TAG,
    a_declaration,
    after,
)
from tests.golden_life import Life
from tests.kept_lane import contents
from tests.policy_cases import (
    NOW_MS,
    PACK,
    TARE_KG,
    a_full_declaration,
    a_transit,
    an_account,
    changed_pack,
)

NEIGHBOR = "粤B12346"
SLIPS = PolicyPack(
    version="slips",
    owner="port rules desk",
    slips=(SlipBook(mode="系统故障", prefix="YJ-", first=100, last=199),),
)


def _demanded(**changed: object) -> Callable[[Life], object]:
    """A vehicle under the pack that demands everything; its paper has these fields changed."""
    return lambda life: life.under(PACK).comes(a_full_declaration(**changed)).ends()


def _in_lane(**changed: object) -> Callable[[Life], object]:
    """The same in a lane with this profile."""
    pack = changed_pack(lanes=(LaneProfile(lane="lane1", **changed),))  # type: ignore[arg-type]
    return lambda life: life.under(pack).comes(a_full_declaration()).ends()


def _weighing(kg: int) -> Callable[[Life], object]:
    return lambda life: life.under(PACK).comes(a_full_declaration(), kg=kg).ends()


def _swinging(low_kg: int, high_kg: int, settled_kg: int) -> Callable[[Life], object]:
    """Asked while the scale swings; it settles as the boom rises, or before the verdict."""

    def tell(life: Life) -> None:
        life.under(PACK).truck_arrives().plate_is_read().card()
        _answer_all(life)
        life.sees(rear_beam=True).weighs(WeightState.MOVING, GROSS_KG // 2).passes(3.0)
        life.sees(entry_loop=False, rear_beam=False).swings_between(low_kg, high_kg)
        _answer_all(life)
        life.passes(1.0).weighs(WeightState.SETTLED, settled_kg)
        life.told(a_full_declaration()).ends()

    return tell


def _answer_all(life: Life) -> None:
    while life.answered(a_full_declaration()):
        pass


def _claimed(said: ClaimAnswered | None, **changed: object) -> Callable[[Life], object]:
    def tell(life: Life) -> None:
        life.under(PACK).truck_arrives().plate_is_read().drives_on().card()
        life.told(a_full_declaration(**changed), said=said).ends()

    return tell


def _alone(age_s: float, **changed: object) -> Callable[[Life], object]:
    """The manifest was confirmed that long ago."""
    return lambda life: life.under(PACK).comes(a_full_declaration(**changed), age_s=age_s).ends()


def _read(
    text: str, permille: int, *against: tuple[str, int], none: int | None = None
) -> Callable[[Life], object]:
    """The plate as the reader gives it, however often it is asked."""

    def tell(life: Life) -> None:
        life.under(PACK).truck_arrives()
        while not life.passage.plate_done:
            life.plate_is_read(text, permille, against=(against, none))
        life.drives_on().card()
        life.told(a_full_declaration()).ends()

    return tell


def _tagged(*tags: str) -> Callable[[Life], object]:
    def tell(life: Life) -> None:
        life.ready().truck_arrives().plate_is_read().tag_is_seen(*tags)
        life.drives_on().card()
        life.told(a_declaration(tag_id=TAG)).ends()

    return tell


def _carrying(*numbers: str) -> Callable[[Life], object]:
    def tell(life: Life) -> None:
        life.ready().truck_arrives().plate_is_read().containers_are_read(*numbers)
        life.drives_on().card()
        life.told(a_declaration(containers=(BOX,))).ends()

    return tell


def _in_mode(mode: Mode) -> Callable[[Life], object]:
    def tell(life: Life) -> None:
        life.ready().sets_mode(mode)
        life.comes(a_declaration()).ends(by_person=REFUSED)

    return tell


def _on_a_slip(life: Life) -> None:
    life.under(SLIPS).sets_mode(Mode.EMERGENCY, kind="系统故障")
    life.comes(a_declaration())
    for number, slip in enumerate(("", "YJ-99", "YJ-100")):
        life.happens(
            Overridden(
                command_id=CommandId(f"s{number}"),
                passage_id=life.passage.passage_id,
                decision=Outcome.RELEASE,
                by="li.wei",
                reason="system down",
                expires_at_ms=after(life.at, 60.0).wall_ms,
                slip=slip,
            )
        )
    life.ends()


def _with_fault(code: FaultCode) -> Callable[[Life], object]:
    def tell(life: Life) -> None:
        life.ready().fault(code)
        life.comes(a_declaration()).ends(by_person=REFUSED)

    return tell


def _without_card(life: Life) -> None:
    life.under(PACK).truck_arrives().plate_is_read().drives_on()
    life.told(a_full_declaration()).ends()


def _pictured(life: Life) -> None:
    life.under(PACK).truck_arrives()
    life.happens(
        PlateRead(
            passage_id=life.passage.passage_id,
            attempt=life.passage.plate_attempt,
            text=PLATE,
            plate_class="mainland",
            confidence_permille=990,
            frames_agreed=3,
            frames_seen=3,
            picture_id="9f" * 32,
            model_id="golden",
        )
    )
    life.drives_on().card()
    life.told(a_full_declaration(tax_refund=True)).ends()


def _raise_fails(life: Life) -> None:
    life.ready()
    life.comes(a_declaration())
    if life.phase is Phase.RELEASING:
        life.raise_fails()
    life.ends(by_person=REFUSED)


def _killed(life: Life) -> None:
    life.ready()
    life.waits_for_verdict()
    life.dies().finds_its_vehicle()
    life.ends(by_person=Outcome.RELEASE)


def _rebooted(life: Life) -> None:
    life.ready()
    life.waits_for_verdict()
    life.reboots().finds_its_vehicle()
    life.ends(by_person=REFUSED)


def _wakes_in_1970(life: Life) -> None:
    life.reboots(wall_ms=5_000).ready()
    life.comes(a_declaration()).ends(by_person=REFUSED)


def _clock_is_set(life: Life) -> None:
    life.under(PACK).truck_arrives().plate_is_read()
    life.at = Instant(life.at.mono_s, life.at.wall_ms + 600_000)
    life.drives_on().card()
    life.told(a_full_declaration()).ends(by_person=REFUSED)


def _backs_out_early(life: Life) -> None:
    life.ready().truck_arrives().plate_is_read().drives_on().backs_out()
    life.leaves_by_entry()


def _next_vehicle_waits(life: Life) -> None:
    life.under(PACK).truck_arrives().plate_is_read().drives_on()
    life.sees(entry_loop=True).card()
    life.told(a_full_declaration()).ends(by_person=REFUSED)


def _comes_back_at_once(life: Life) -> None:
    """The lane itself has just let this plate go; the hub has not heard of it yet."""
    life.under(PACK).comes(a_full_declaration()).ends()
    life.comes(a_full_declaration(declaration_id="D2")).ends(by_person=REFUSED)


def _scale_freezes(life: Life) -> None:
    """With three of five axles on; it goes on to say what it said."""
    life.under(PACK).truck_arrives().plate_is_read().sees(rear_beam=True)
    life.weighs(WeightState.MOVING, GROSS_KG).passes(3.0)
    life.sees(entry_loop=False).weighs(WeightState.SETTLED, GROSS_KG).passes(1.0)
    life.sees(rear_beam=False).weighs(WeightState.SETTLED, GROSS_KG).card()
    life.told(a_full_declaration()).ends(by_person=REFUSED)


def _agencies(**states: AgencyState) -> tuple[AgencyAnswer, ...]:
    return tuple(
        AgencyAnswer(agency=name, state=state, at_ms=NOW_MS - 60_000)
        for name, state in states.items()
    )


def _heard(*, gap_ms: int | None = None, empty_kg: int | None = None) -> ClaimAnswered:
    """Granted, and what the hub remembers of the plate."""
    seen = () if gap_ms is None else (Sighting(lane="lane2", passage_id="p", gap_ms=gap_ms),)
    known = None if empty_kg is None else KnownEmpty(kg=empty_kg, times=2)
    return ClaimAnswered(token=0, state=ClaimState.GRANTED, sightings=seen, known_empty=known)


SEALED = a_transit(until_ms=NOW_MS + HOUR_MS, seal_checked_at_ms=NOW_MS - 60_000)
AGREED, PENDING, HOLD = AgencyState.AGREED, AgencyState.PENDING, AgencyState.HOLD


def _evacuated(life: Life) -> None:
    life.under(PACK).orders_evacuation()
    life.boom_goes_up().truck_arrives().plate_is_read().drives_on().drives_out().passes(30.0)


HELD = ClaimAnswered(token=0, state=ClaimState.HELD, holder="lane2-b7-000011")
USED = ClaimAnswered(token=0, state=ClaimState.USED, holder="lane2-b7-000011")
REFUSED = Outcome.REFUSE
LIVES: dict[str, Callable[[Life], object]] = {
    "released": lambda life: life.ready() and life.comes(a_declaration()).ends(),
    "released-under-every-demand": _demanded(),
    "undeclared": lambda life: life.ready() and life.comes().ends(),
    "released-by-a-person": lambda life: (
        life.under(PACK)
        .comes(a_full_declaration(documents=Documents.PENDING))
        .ends(by_person=Outcome.RELEASE)
    ),
    "turned-back-by-a-person": lambda life: (
        life.under(PACK).comes(a_full_declaration(fee_paid=False)).ends(by_person=REFUSED)
    ),
    "documents-pending": _demanded(documents=Documents.PENDING),
    "documents-rejected": _demanded(documents=Documents.REJECTED),
    "used-before": _demanded(used_by="lane2-e-000004"),
    "expired": _demanded(valid_until_ms=NOW_MS - HOUR_MS),
    "coordinator-told": _demanded(risk=Risk.HIGH),
    "class-seen-by-a-person": _demanded(credit_class="failed"),
    "class-unknown": _demanded(credit_class="AEO"),
    "drawn": _demanded(drawn=Draw(period="2026-09", inspect_permille=19, review_permille=500)),
    "drawn-for-review": _demanded(
        risk=None, drawn=Draw(period="2026-09", inspect_permille=500, review_permille=299)
    ),
    "not-drawn-at-all": _demanded(drawn=None),
    "agency-holds": _demanded(agencies=_agencies(customs=HOLD, quarantine=AGREED)),
    "agency-pending": _demanded(agencies=_agencies(customs=AGREED, quarantine=PENDING)),
    "held-by-name": _demanded(holds=("border",)),
    "transit": _demanded(transit=SEALED),
    "transit-seal-unchecked": _demanded(transit=replace(SEALED, seal_checked_at_ms=None)),
    "transit-late": _demanded(transit=replace(SEALED, until_ms=NOW_MS - 60_000)),
    "list-drawn-on": _demanded(accounts=(an_account(),)),
    "list-used-up": _demanded(accounts=(an_account(pending=95),)),
    "list-alone": _alone(120.0, accounts=(an_account(quantity=51),)),
    "empty-one": lambda life: (
        life.under(PACK)
        .comes(a_full_declaration(kind=Kind.EMPTY_CONTAINER, gross_kg=TARE_KG), kg=TARE_KG)
        .ends()
    ),
    "empty-one-loaded": _demanded(kind=Kind.EMPTY_CONTAINER, gross_kg=TARE_KG),
    "refund-without-picture": _demanded(tax_refund=True),
    "refund-with-picture": _pictured,
    "container-misspelled": _demanded(containers=("CSQU3054384",)),
    "appointment-missed": _demanded(
        appointment=Appointment(from_ms=NOW_MS - HOUR_MS, until_ms=NOW_MS - 600_000)
    ),
    "out-of-hours": _in_lane(hours=(OpenHours(from_min=480, until_min=1080),)),
    "green-lane": _in_lane(is_priority=True, classes=("advanced",)),
    "green-lane-for-others": _in_lane(is_priority=True, classes=("general",)),
    "lane-for-paper": _in_lane(is_manual=True),
    "weight-at-the-limit": _weighing(GROSS_KG + 960),
    "weight-over-the-limit": _weighing(GROSS_KG + 980),
    "weight-far-off": _weighing(GROSS_KG * 2),
    "swing-within-the-limit": _swinging(GROSS_KG - 300, GROSS_KG + 300, GROSS_KG + 40),
    "swing-that-lied": _swinging(GROSS_KG - 300, GROSS_KG + 300, GROSS_KG + 2_000),
    "swing-over-the-limit": _swinging(GROSS_KG - 100, GROSS_KG + 1_100, GROSS_KG + 980),
    "claimed-elsewhere": _claimed(HELD),
    "used-elsewhere": _claimed(USED),
    "hub-silent": _claimed(None),
    "left-in-an-evacuation": _evacuated,
    "seen-elsewhere": _claimed(_heard(gap_ms=10_000)),
    "tare-unlike": _claimed(_heard(empty_kg=GROSS_KG + 5_000)),
    "known-empty": _claimed(_heard(gap_ms=3_600_000, empty_kg=TARE_KG)),
    "alone-with-authority": _alone(2 * 3600.0),
    "alone-too-long-for-the-class": _alone(2 * 3600.0, credit_class="general"),
    "alone-too-long": _alone(30 * 3600.0),
    "plate-doubtful": _read(PLATE, 500),
    "plate-not-found": _read("", 0),
    "plate-surer-than-its-neighbor": _read(
        PLATE, 990, (PLATE, -2), (NEIGHBOR, -19_000), none=-9000
    ),
    "plate-like-its-neighbor": _read(PLATE, 990, (PLATE, -20), (NEIGHBOR, -4_000), none=-9_000),
    "own-tag": _tagged(TAG),
    "another-tag": _tagged(OTHER_TAG),
    "own-container": _carrying(BOX),
    "another-container": _carrying(BOX, OTHER_BOX),
    "no-card": _without_card,
    "next-vehicle-waits": _next_vehicle_waits,
    "backed-out-early": _backs_out_early,
    "attended": _in_mode(Mode.ATTENDED),
    "closed": _in_mode(Mode.CLOSED),
    "emergency-on-a-slip": _on_a_slip,
    "scale-silent": _with_fault(FaultCode.SCALE_LINK),
    "scale-frozen": _scale_freezes,
    "clock-doubtful": _with_fault(FaultCode.CLOCK),
    "came-back-at-once": _comes_back_at_once,
    "raise-not-sent": _raise_fails,
    "killed": _killed,
    "rebooted": _rebooted,
    "woke-in-1970": _wakes_in_1970,
    "clock-set": _clock_is_set,
}


def lived(name: str, folder: Path) -> list[bytes]:
    """The dossiers that the lane sealed, in order. `folder` must not be there yet."""
    with closing(Life(folder)) as life:
        LIVES[name](life)
        return contents(life.path)
