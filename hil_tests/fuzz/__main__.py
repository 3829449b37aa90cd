"""`make fuzz`: a million damaged inputs for every codec, and what was found.

    python -m hil_tests.fuzz [--inputs N] [--codec NAME ...] [--seed N] [--jobs N] [--json FILE]

Exit status 1 when a promise of a codec broke. Needs nothing but Python and the checkout.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path

from hil_tests.fuzz.codecs import CODECS, CodecUnderLaw
from hil_tests.fuzz.damage import BATCH_INPUTS, Tally, fuzz_batch
from hil_tests.fuzz.posts import (
    CONTAINER_POST,
    POSTS,
    ContainerPostUnderLaw,
    PostUnderLaw,
    fuzz_posts,
)

INPUTS = 1_000_000
BY_NAME: dict[str, CodecUnderLaw | PostUnderLaw | ContainerPostUnderLaw] = {
    **{codec.name: codec for codec in CODECS},
    **{law.name: law for law in POSTS},
    CONTAINER_POST.name: CONTAINER_POST,
}


def batches(inputs: int) -> Iterator[tuple[int, int]]:
    """Number and size of the batches that make up `inputs`."""
    for batch, done in enumerate(range(0, inputs, BATCH_INPUTS)):
        yield batch, min(BATCH_INPUTS, inputs - done)


def one_batch(name: str, seed: int, batch: int, inputs: int) -> Tally:
    """One batch, named so that another process can be asked for it."""
    codec = BY_NAME[name]
    if isinstance(codec, PostUnderLaw | ContainerPostUnderLaw):
        return fuzz_posts(codec, seed=seed, batch=batch, inputs=inputs)
    return fuzz_batch(codec, seed=seed, batch=batch, inputs=inputs)


def fuzz(name: str, pool: ProcessPoolExecutor, *, seed: int, inputs: int) -> Tally:
    """All inputs of one codec, spread over the pool's processes."""
    tally = Tally()
    jobs = [pool.submit(one_batch, name, seed, batch, size) for batch, size in batches(inputs)]
    for job in jobs:
        tally.add(job.result())
    return tally


def main() -> int:
    """Fuzz the named codecs, or all; 1 when something was found."""
    options = _parser().parse_args()
    codecs = [BY_NAME[name] for name in options.codec or BY_NAME]
    print(
        f"seed {options.seed}, {options.inputs} inputs for each of {len(codecs)} codecs, "
        f"{options.jobs} processes\n"
        f"{'codec':28}{'inputs':>10}{'sent':>10}{'read':>10}{'unsent':>8}{'sum':>5}"
        f"{'a second':>10}{'findings':>10}",
        flush=True,
    )
    reports = []
    with ProcessPoolExecutor(options.jobs) as pool:
        for codec in codecs:
            began_s = time.perf_counter()
            tally = fuzz(codec.name, pool, seed=options.seed, inputs=options.inputs)
            rate = tally.inputs / (time.perf_counter() - began_s)
            reports.append({"codec": codec.name, "inputs_per_s": round(rate), **asdict(tally)})
            print(
                f"{codec.name:28}{tally.inputs:>10}{tally.sent_frames:>10}"
                f"{tally.read_frames:>10}{tally.unsent_frames:>8}"
                f"{'yes' if _has_sum(codec) else 'no':>5}{rate:>10.0f}{len(tally.findings):>10}",
                flush=True,
            )
            for finding in tally.findings:
                print(f"  {finding.what}\n    {finding.stream}", flush=True)
            if options.json:  # after every codec: a run that is ended early has its report
                report = {"seed": options.seed, "codecs": reports}
                options.json.write_text(json.dumps(report, indent=1))
    return 1 if any(report["findings"] for report in reports) else 0


def _has_sum(codec: CodecUnderLaw | PostUnderLaw | ContainerPostUnderLaw) -> bool:
    return isinstance(codec, CodecUnderLaw) and bool(codec.checksum_at)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make fuzz", description=main.__doc__)
    parser.add_argument("--inputs", type=int, default=INPUTS, help="for each codec")
    parser.add_argument("--codec", action="append", choices=BY_NAME, help="only this one; again")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--json", type=Path, help="write what was found there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
