"""Garbled, cut, joined and missing frames while a truck is checked: right or held, never wrong."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from devices.sim.card_reader import CardFault
from devices.sim.weighbridge import ScaleFault
from gate_agent.domain.vocabulary import Phase
from gate_agent.wire import v1
from hil_tests.rig import Papers, visit_of
from tests.agent_rig import CLOCK, AgentRig, wait_until

CASES: list[tuple[ScaleFault, CardFault]] = [
    (ScaleFault.GARBLE, CardFault.HALF_FRAME),
    (ScaleFault.CUT, CardFault.GARBAGE),
    (ScaleFault.NOISE, CardFault.NOISE),
    (ScaleFault.SILENCE, CardFault.SILENCE),
    (ScaleFault.OVERLOAD, CardFault.DOUBLE_READ),
]
BAD_S = 1.5


@pytest.mark.timeout(180)
def test_bad_frames_never_release_on_a_wrong_weight_or_card(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as lanes:
        tried = [
            lanes.submit(_try, tmp_path / str(first), CASES[first::2], first) for first in (0, 1)
        ]
    for trial in tried:
        trial.result()


def _try(folder: Path, cases: list[tuple[ScaleFault, CardFault]], first: int) -> None:
    papers = [
        Papers(plate=f"粤B{n}24{n}5", card_uid=f"04A1B2C{n}", gross_kg=20_000 + 2_000 * n)
        for n in range(first, first + len(cases) + 1)
    ]
    with AgentRig(folder, papers) as rig:
        for paper, case in zip(papers, cases, strict=False):
            _pass_with_bad_frames(rig, paper, *case)
        # A truck that is too heavy stays too heavy behind noise.
        rig.bench.scale.fault = ScaleFault.NOISE
        before = rig.bench.world.boom.raise_count
        heavy = visit_of(papers[-1], weighs_kg=papers[-1].gross_kg * 1.4)
        assert rig.see_off(rig.send(heavy)) == "entry"
        assert rig.bench.world.boom.raise_count == before
        decided = [body for body in rig.records() if isinstance(body, v1.PassageDecided)]
        for paper, body in zip(papers, decided, strict=True):
            _is_right(paper, body)
        assert decided[-1].outcome == "inspect"
        assert not rig.bench.world.violations


def _pass_with_bad_frames(
    rig: AgentRig, paper: Papers, scale_fault: ScaleFault, card_fault: CardFault
) -> None:
    bench = rig.bench
    handle = rig.send(visit_of(paper))
    wait_until(lambda: handle.entered_s is not None, "arrives")
    bench.scale.fault, bench.card_reader.fault = scale_fault, card_fault
    assert handle.wait_stopped(20)
    before = bench.world.boom.raise_count
    CLOCK.sleep(BAD_S)
    if scale_fault is not ScaleFault.NOISE:  # good frames among noise are good
        assert bench.world.boom.raise_count == before, f"opened on {scale_fault}"
    bench.scale.fault, bench.card_reader.fault = ScaleFault.NONE, CardFault.NONE
    if rig.lane.phase is Phase.GATHERING:
        handle.present_card(paper.card_uid)
    assert rig.see_off(handle) == "exit", f"not released after {scale_fault}"
    rig.wait_inviting()


def _is_right(paper: Papers, body: v1.PassageDecided) -> None:
    if body.outcome != "release":
        return
    weight, card = body.evidence.weight, body.evidence.card
    assert weight is not None
    assert abs(weight.gross_kg - paper.gross_kg) <= 100
    assert card is not None
    assert card.uid == paper.card_uid
