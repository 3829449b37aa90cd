"""What a lane looks like to a driver after its agent was stopped."""

from pathlib import Path

from devices.lane_io.registers import lamp_coils
from devices.readings import Lamp
from tests.agent_rig import AgentRig, wait_until


def test_a_stopped_agent_leaves_no_lamp_that_invites_and_a_started_one_invites_again(
    tmp_path: Path,
) -> None:
    with AgentRig(tmp_path) as rig:

        def lit() -> set[Lamp]:
            return {lamp for lamp, coil in lamp_coils().items() if rig.bench.board.coil(coil)}

        wait_until(lambda: Lamp.ENTRY_GREEN in lit(), "the entry lamp is green")
        rig.stop_agent()
        assert lit() == {Lamp.EXIT_RED}
        rig.start_agent()
        wait_until(lambda: Lamp.ENTRY_GREEN in lit(), "the entry lamp is green again")
