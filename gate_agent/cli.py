"""Command `gate-agent`: run a lane, check its file, look at its state and at what it proves."""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from gate_agent import config as lane_file
from gate_agent import logs
from gate_agent.errors import ConfigError, GateError, StoreError
from gate_agent.proof import cli as proof
from gate_agent.runtime import hatch_cli

if TYPE_CHECKING:
    from gate_agent.domain.state import LaneState, ZeroDay

EX_OK, EX_FAILED, EX_CONFIG = 0, 1, 78
_EPOCH_DAY = date(1970, 1, 1).toordinal()


def main(arguments: list[str] | None = None) -> int:
    """Entry point. Exit status: 0 ok, 1 failed, 2 usage, 78 configuration."""
    options = _parser().parse_args(arguments)
    try:
        if options.act is not None:
            status: int = options.act(options)
            return status
        config = lane_file.load(Path(options.config))
        if options.command == "check-config":
            print(f"{options.config}: lane {config.lane} of site {config.site}: ok")
            return EX_OK
        if options.command == "status":
            return _status(config, as_json=options.json)
        return _run(config)
    except ConfigError as exc:
        print(f"gate-agent: {exc}", file=sys.stderr)
        return EX_CONFIG
    except GateError as exc:
        print(f"gate-agent: {exc}", file=sys.stderr)
        return EX_FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gate-agent", description="The controller of one truck lane."
    )
    parser.set_defaults(act=None)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("run", "run the lane until SIGTERM"),
        ("check-config", "read the lane file, open nothing"),
        ("status", "print what the lane's database says; the agent may be running"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--config", required=True, metavar="LANE.toml", help="the lane file")
        if name == "status":
            command.add_argument("--json", action="store_true", help="for machines")
    hatch_cli.add_commands(commands)
    proof.add_commands(commands)
    return parser


def _run(config: lane_file.LaneConfig) -> int:
    from gate_agent.runtime import agent  # noqa: PLC0415 - the other commands need no OpenCV

    agent.run(config, logs.configure(lane=config.lane))
    return EX_OK


def _status(config: lane_file.LaneConfig, *, as_json: bool) -> int:
    from gate_agent.domain.noticing import tare_drift_permille  # noqa: PLC0415 - as above
    from gate_agent.store.encoding import EncodingError, decode_state  # noqa: PLC0415 - as above
    from gate_agent.store.schema import open_reader  # noqa: PLC0415

    path = Path(config.state_dir) / "lane.db"
    if not path.exists():
        raise StoreError(f"{path}: not there: this lane has not run yet")
    try:
        with closing(open_reader(path)) as connection:
            state, seq = connection.execute("SELECT state, record_seq FROM snapshot").fetchone()
            unsent = connection.execute("SELECT count(*) FROM outbox").fetchone()[0]
        lane = decode_state(state)
        authority = _authority(lane, path.with_name("hub.db"))
    except (sqlite3.Error, EncodingError, TypeError) as exc:  # TypeError: no row yet
        raise StoreError(f"{path}: cannot be read: {exc}") from exc
    shown = {
        "lane": lane.lane_id,
        "mode": lane.mode.value,
        "emergency": lane.emergency or None,
        "phase": lane.phase.value,
        "passage": lane.passage.passage_id if lane.passage else None,
        "barrier": lane.barrier.value,
        "faults": sorted(fault.value for fault in lane.faults),
        "records": seq,
        "in_outbox": unsent,
        "may_release_alone": authority,
        "scale_zero": [_zero_day(day) for day in lane.zeros],
        "scale_drift_permille": tare_drift_permille(lane.tares),
    }
    if as_json:
        print(json.dumps(shown, ensure_ascii=False))
    else:
        print("\n".join(f"{name:>20}  {_plain(value)}" for name, value in shown.items()))
    return EX_OK


def _authority(lane: LaneState, cache: Path) -> list[str]:
    """How much longer this lane may release each credit class if it does not hear the hub."""
    from devices.clock import SystemClock  # noqa: PLC0415 - as above
    from gate_agent.domain.rules.authority import authority_left_ms  # noqa: PLC0415
    from gate_agent.store.held_manifest import held_in  # noqa: PLC0415
    from gate_agent.store.schema import open_reader  # noqa: PLC0415

    if not cache.exists():
        return []
    with closing(open_reader(cache)) as connection:
        confirmed_ms = held_in(connection).confirmed_ms
    age_ms = None if confirmed_ms is None else SystemClock().now().wall_ms - confirmed_ms
    left = authority_left_ms(lane.pack, age_ms)
    return [f"{name or 'no class'} {left_ms // 1000} s" for name, left_ms in left]


def _zero_day(day: ZeroDay) -> str:
    """What the empty scale showed on one day at the mean, and of how many times."""
    on = date.fromordinal(_EPOCH_DAY + day.day).isoformat()
    return f"{on} {day.total_kg / max(1, day.seen):+.1f} kg of {day.seen}"


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return "none" if value is None else str(value)


if __name__ == "__main__":
    sys.exit(main())
