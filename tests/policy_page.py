"""Write docs/reference/policy.md from the types of a policy pack.

python -m tests.policy_page
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

from gate_agent.domain.policy_pack import FIRST_PIECES, STANDARD_PIECES
from tests.reference import ROOT, _key, _kind

SOURCE = ROOT / "gate_agent" / "domain" / "policy_pack.py"
PAGE = ROOT / "docs" / "reference" / "policy.md"
HEAD = """# Policy packs

Written by `make docs` from `gate_agent/domain/policy_pack.py`. A pack is one JSON object. Keys that
are left out have their defaults; an unknown key is an error. Moments (`…_ms` that begin with
`effective`, `from` or `until`) may be written as ISO 8601 with an offset. How to use one:
[change the rules](../how-to/change-the-rules.md); an example:
[policy-pack.json](../examples/policy-pack.json).

`policy_hash`, in every verdict, is the SHA-256 of the pack's JSON with keys sorted, defaults left
out and no spaces.
"""
PIECES = """## Pieces

What a pack weighs that is imported without `identity.pieces`, and a lane without a pack of the hub.
`FIRST_PIECES` is what packs of before weigh. What each says:
[who is this vehicle](../explanation/decision.md#who-is-this-vehicle).

| `piece` | `wrong_milli_nats` | `chance_milli_nats` | `weak_milli_nats` | in `FIRST_PIECES` |
|---|---|---|---|---|
"""
DRAWS = """## Draws

For purpose `inspect` and `review` each:
HMAC-SHA256(secret, purpose + 0x1F + period + 0x1F + declaration id), all texts UTF-8; its first
eight bytes as a big-endian number, modulo 1000. A vehicle is drawn where the number is below the
share in permille. `commitment` is the SHA-256 of the 32 secret bytes.
"""


def page() -> str:
    """Give the text of policy.md."""
    text = SOURCE.read_text(encoding="utf-8")
    lines = text.splitlines()
    classes = {
        node.name: node
        for node in ast.parse(text).body
        if isinstance(node, ast.ClassDef) and node.name != "Part"
    }
    order = ["PolicyPack", *(name for name in classes if name != "PolicyPack")]
    parts = [HEAD]
    for name in order:
        node = classes[name]
        said = (ast.get_docstring(node) or "").replace("\n", " ")
        rows = ["| Key | Value | Default | |", "|---|---|---|---|"]
        for item in node.body:
            if isinstance(item, ast.AnnAssign):
                key = _key(item, lines)
                default = f"`{key.default}`" if key.default else "required"
                rows.append(f"| `{key.name}` | {_value(key.kind)} | {default} | {key.remark} |")
        parts.append(f"## {name}\n\n{said}\n\n" + "\n".join(rows) + "\n")
    return "\n".join([*parts, PIECES + _pieces(), DRAWS])


def _pieces() -> str:
    rows = (
        f"| `{each.piece}` | {each.wrong_milli_nats} | {each.chance_milli_nats}"
        f" | {each.weak_milli_nats} | {'yes' if each in FIRST_PIECES else 'no'} |\n"
        for each in STANDARD_PIECES
    )
    return "".join(rows)


def _value(kind: str) -> str:
    return _kind(kind).replace("|", "or")


def main() -> int:
    """Write the page."""
    Path(PAGE).write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
