"""`gate-agent replay`, `verify`, `plates`, `audit-draws`, `export`, `clips`: files, no device."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from devices.clock import SystemClock
from gate_agent import config as lane_file
from gate_agent.errors import GateError
from gate_agent.proof import clips, draws, files, plates, replay, verify
from gate_agent.wire import dossier
from gate_agent.wire.chain import line_of
from gate_agent.wire.policy_pack import PolicyPackError, read_new_pack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gate_agent.domain.policy_pack import PolicyPack

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - argparse names no public type

EX_OK, EX_FAILED = 0, 1
NAMED = 20  # passages of one kind that are named; --json names all


def add_commands(commands: Subparsers) -> None:
    """Add the commands to the parser of gate-agent."""
    again = _of_dossiers(
        commands,
        "replay",
        _replay,
        told="make the verdicts of dossiers again",
        description="Make every verdict again from its dossier and compare, bit for bit. With"
        " --policy: say which would be another under that pack. Exit status 1: one differs.",
    )
    again.add_argument("--policy", type=Path, metavar="PACK.json", help="rehearse these rules")
    _of_dossiers(
        commands,
        "verify",
        _verify,
        told="check the chain of records",
        description="Check that no record was altered, cut out or put in, and that each dossier is"
        " the one that was sealed. Exit status 1: one is not.",
    )
    _of_dossiers(
        commands,
        "plates",
        _plates,
        told="show every plate reading of dossiers and vote again",
        description="Show each single plate reading of dossiers with its frame, confidence and"
        " place in the overview, and make each vote again. Exit status 1: one is another plate.",
    )
    audit = _of_dossiers(
        commands,
        "audit-draws",
        _audit_draws,
        told="make every inspection draw of a period again",
        description="Make every draw of a period again from dossiers and the secret that was"
        " revealed. Exit status 1: one differs, or another secret was committed to.",
    )
    audit.add_argument("--period", required=True, metavar="PERIOD")
    audit.add_argument("--secret", required=True, metavar="HEX", help="as it was revealed")
    _add_export(commands)
    _add_clips(commands)


def _of_dossiers(
    commands: Subparsers,
    name: str,
    act: Callable[[argparse.Namespace], int],
    *,
    told: str,
    description: str,
) -> argparse.ArgumentParser:
    """A command that is given dossiers, or what holds them, and may answer in JSON."""
    command = commands.add_parser(name, help=told, description=description)
    command.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="a dossier.json, an exported .jsonl, a lane.db, or a folder of the first two",
    )
    command.add_argument("--json", action="store_true", help="for machines")
    command.set_defaults(act=act)
    return command


def _add_export(commands: Subparsers) -> None:
    export = commands.add_parser(
        "export",
        help="write the records that a lane still has to a file",
        description="Write the records that a lane's database still has, one a line, as the hub"
        " exports them; the agent may be running.",
    )
    export.add_argument("--config", required=True, metavar="LANE.toml", help="the lane file")
    export.add_argument("--out", required=True, type=Path, metavar="FILE.jsonl")
    export.set_defaults(act=_export)


def _add_clips(commands: Subparsers) -> None:
    films = commands.add_parser(
        "clips",
        help="list a lane's clips, check and copy them",
        description="List the clips of a lane's passages and compare each with the SHA-256 that"
        " its record names; the agent may be running. Exit status 1: one is altered, or of the"
        " passage that was asked for none is whole.",
    )
    place = films.add_mutually_exclusive_group(required=True)
    place.add_argument("--state-dir", type=Path, metavar="DIR", help="the lane's state folder")
    place.add_argument("--config", type=Path, metavar="LANE.toml", help="the lane file, instead")
    films.add_argument("--passage", metavar="ID", help="of this passage only")
    films.add_argument(
        "--copy", type=Path, metavar="DIR", help="copy what is whole there, with a SHA256SUMS"
    )
    films.add_argument("--json", action="store_true", help="for machines")
    films.set_defaults(act=_clips)


@dataclass(slots=True, kw_only=True)
class _Replayed:
    """What a replay found."""

    dossiers: int = 0
    verdicts: int = 0
    different: list[replay.Made] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    took_s: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether there was something and all of it was identical."""
        return bool(self.dossiers) and not self.different and not self.unreadable


def _replay(options: argparse.Namespace) -> int:
    if options.policy is not None:
        try:
            return _rehearse(options, read_new_pack(_read(options.policy), str(options.policy)))
        except (replay.ReplayError, PolicyPackError) as exc:
            raise GateError(str(exc)) from exc
    clock = SystemClock()
    started_s = clock.now().mono_s
    done = _Replayed()
    for found in _each_once(options.paths):
        done.dossiers += 1
        try:
            for made in replay.again(found):
                done.verdicts += 1
                if not made.is_identical:
                    done.different.append(made)
        except replay.ReplayError as exc:
            done.unreadable.append(str(exc))  # must not hide what the others say
    done.took_s = clock.now().mono_s - started_s
    _print_replayed(done, as_json=options.json)
    return EX_OK if done.is_good else EX_FAILED


def _print_replayed(done: _Replayed, *, as_json: bool) -> None:
    if as_json:
        counted = {
            "dossiers": done.dossiers,
            "verdicts": done.verdicts,
            "different": [_as_fields(made) for made in done.different],
            "unreadable": done.unreadable,
            "seconds": round(done.took_s, 3),
            "processor_seconds": round(sum(os.times()[:2]), 3),
        }
        print(json.dumps(counted, ensure_ascii=False))
        return
    for complaint in (*map(_difference, done.different), *done.unreadable):
        print(f"gate-agent: {complaint}", file=sys.stderr)
    counts = ((len(done.different), "DIFFERENT"), (len(done.unreadable), "UNREADABLE"))
    bad = ", ".join(f"{count} {word}" for count, word in counts if count)
    good = "all identical" if done.dossiers else "nothing to replay"
    rate = done.dossiers / done.took_s if done.took_s else 0.0
    print(
        f"{done.dossiers} dossiers, {done.verdicts} verdicts: {bad or good},"
        f" {rate:,.0f} dossiers a second"
    )


def _rehearse(options: argparse.Namespace, pack: PolicyPack) -> int:
    """Group what would change by what it was and what it would be."""
    dossiers = verdicts = 0
    changed: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for found in _each_once(options.paths):
        dossiers += 1
        for made in replay.rehearsed(found, pack):
            verdicts += 1
            was, now = replay.judged(made.recorded), replay.judged(made.now)
            if was != now:
                changed[was, now].append(made.passage_id)
    groups = sorted(changed.items(), key=lambda item: -len(item[1]))
    total = sum(len(passages) for _, passages in groups)
    if options.json:
        listed = [{"was": w, "now": n, "passages": found} for (w, n), found in groups]
        fields = {"policy": pack.version, "dossiers": dossiers, "verdicts": verdicts}
        print(json.dumps(fields | {"changed": total, "groups": listed}, ensure_ascii=False))
        return EX_OK if dossiers else EX_FAILED
    print(f"under {pack.version}: {total} of {verdicts} verdicts in {dossiers} dossiers change")
    for (was, now), passages in groups:
        print(f"{len(passages):>7}  {was}  ->  {now}")
        more = f" and {len(passages) - NAMED} more" if len(passages) > NAMED else ""
        print(f"         {', '.join(passages[:NAMED])}{more}")
    return EX_OK if dossiers else EX_FAILED


def _each_once(paths: list[Path]) -> Iterator[files.Found]:
    """A folder has a dossier both by itself and in the record that sealed it."""
    seen: set[str] = set()
    for found in files.dossiers(paths):
        name = found.sha256 or dossier.sha256(found.content)
        if name not in seen:
            seen.add(name)
            yield found


def _difference(made: replay.Made) -> str:
    return (
        f"{made.place}: passage {made.passage_id}, record {made.seq}: recorded"
        f" {replay.said(made.recorded)!r} by version {made.software}, now {replay.said(made.now)!r}"
    )


def _as_fields(made: replay.Made) -> dict[str, object]:
    return {
        "place": made.place,
        "passage_id": made.passage_id,
        "seq": made.seq,
        "software": made.software,
        "recorded": replay.said(made.recorded),
        "now": replay.said(made.now),
    }


def _verify(options: argparse.Namespace) -> int:
    is_intact = True
    for path in files.files_in(options.paths):
        found: Iterator[verify.Checked] = iter(())
        if files.is_database(path):
            found = iter((verify.database(path),))
        elif path.suffix == ".jsonl":
            found = verify.exported(path)
        for checked in found:
            is_intact = is_intact and checked.is_intact
            if options.json:
                print(verify.as_json(checked).decode())
                continue
            print(verify.summary(checked))
            for flaw in checked.flaws:
                print(f"  {flaw}")
    for complaint in verify.altered_dossiers(options.paths):
        is_intact = False
        print(f"gate-agent: {complaint}", file=sys.stderr)
    return EX_OK if is_intact else EX_FAILED


def _plates(options: argparse.Namespace) -> int:
    dossiers, votes = 0, Counter[str]()
    try:
        for found in _each_once(options.paths):
            dossiers += 1
            for look in plates.looks(found):
                kind = "without readings" if look.is_open else "the same again"
                votes["DIFFERENT" if not (look.is_same or look.is_open) else kind] += 1
                if options.json:
                    print(plates.as_json(look).decode())
                    continue
                print(plates.look_line(look))
                for reading in look.readings:
                    print(f"  {plates.reading_line(reading)}")
    except replay.ReplayError as exc:
        raise GateError(str(exc)) from exc
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(votes.items()))
    counted = f"{dossiers} dossiers, {votes.total()} votes"
    print(": ".join([counted, counts] if counts else [counted]), file=sys.stderr)
    return EX_OK if dossiers and not votes["DIFFERENT"] else EX_FAILED


def _audit_draws(options: argparse.Namespace) -> int:
    try:
        secret = bytes.fromhex(options.secret)
        found = draws.redo(_each_once(options.paths), options.period, secret)
    except ValueError as exc:
        raise GateError(f"--secret: {exc}") from exc
    except replay.ReplayError as exc:
        raise GateError(str(exc)) from exc
    if options.json:
        fields = {"period": options.period, "redone": found.redone}
        more = {"differ": found.differ, "another_commitment": found.elsewhere}
        print(json.dumps(fields | more, ensure_ascii=False))
    else:
        print(f"{options.period}: {found.redone} draws redone, {len(found.differ)} differ")
        for each in found.differ:
            print(f"  {each}: the record says another number")
        for each in found.elsewhere:
            print(f"  {each}: its policy committed to another secret")
    return EX_FAILED if found.differ or found.elsewhere or not found.redone else EX_OK


def _export(options: argparse.Namespace) -> int:
    config = lane_file.load(Path(options.config))
    held = files.outbox(Path(config.state_dir) / "lane.db")
    try:
        with options.out.open("wb") as out:
            for record in held.records:
                out.write(line_of(record))
    except OSError as exc:
        raise GateError(f"{options.out}: {exc.strerror}") from exc
    print(f"{options.out}: {len(held.records)} records of lane {held.lane}, epoch {held.epoch}")
    return EX_OK


def _clips(options: argparse.Namespace) -> int:
    state_dir = options.state_dir or Path(lane_file.load(options.config).state_dir)
    found = list(clips.clips_in(state_dir, options.passage))
    whole = [clip for clip in found if clip.standing is clips.Standing.WHOLE]
    for clip in found:
        print(_clip_as_json(clip) if options.json else _clip_line(clip))
    if options.copy is not None and whole:
        copies = [clips.copied(clip, options.copy) for clip in whole]
        sums = "".join(f"{path.stem}  {path.name}\n" for path in copies)
        _write(options.copy / "SHA256SUMS", sums)
        print(f"{options.copy}: {len(copies)} clips", file=sys.stderr)
    if options.passage is not None and not whole:
        print(
            f"gate-agent: passage {options.passage}: no whole clip here: none was filmed, or it"
            " went by age or bytes (clips_max_days, clips_max_mb)",
            file=sys.stderr,
        )
        return EX_FAILED
    return EX_FAILED if any(c.standing is clips.Standing.ALTERED for c in found) else EX_OK


def _clip_line(clip: clips.LaneClip) -> str:
    kept = datetime.fromtimestamp(clip.kept_ms / 1000).astimezone().isoformat(timespec="seconds")
    seconds = "-" if clip.seconds is None else f"{clip.seconds:.1f}"
    size = f"{clip.bytes / 1e6:.1f} MB"
    words = f"{clip.standing.value:<7}  {kept}  {seconds:>6} s  {size:>9}"
    return f"{words}  {clip.passage_id or '-'}  {clip.clip_id}"


def _clip_as_json(clip: clips.LaneClip) -> str:
    shown = {field.name: getattr(clip, field.name) for field in fields(clip)}
    return json.dumps(shown, ensure_ascii=False, default=str)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise GateError(f"{path}: {exc.strerror}") from exc


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise GateError(f"{path}: {exc.strerror}") from exc
