"""The tables of `hub.db`, as migrations that are only ever added to.

Times ending in `_ms` are UTC epoch milliseconds; `received_ms` by the hub's clock, `at_ms` by the
lane's. Passages, faults and uses of declarations are projections of `records`: their columns
are filled by whichever record comes first and depend on no order of arrival.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations

from gate_agent.domain.matching import normalize_plate

hub_migrations = Migrations("central_hub")

_RECORDS = (
    # The life of one lane database. The one that came last is the lane's present one.
    """CREATE TABLE lane_epochs (
        lane TEXT NOT NULL, epoch TEXT NOT NULL,
        through_seq INTEGER NOT NULL DEFAULT 0,   -- every record up to here is stored
        highest_seq INTEGER NOT NULL DEFAULT 0,   -- the newest stored; beyond through_seq: a gap
        stored INTEGER NOT NULL DEFAULT 0,        -- distinct records, dead ones included
        duplicates INTEGER NOT NULL DEFAULT 0,
        first_received_ms INTEGER NOT NULL, last_received_ms INTEGER NOT NULL,
        last_at_ms INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (lane, epoch)) STRICT""",
    # Every numbered record, once. The JPEG of a picture_taken is in `pictures`, not in `body`.
    # `type` is 'dead' for a record that is in `dead_letters` instead.
    """CREATE TABLE records (
        record_id INTEGER PRIMARY KEY,
        lane TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL,
        at_ms INTEGER NOT NULL, received_ms INTEGER NOT NULL,
        type TEXT NOT NULL, passage_id TEXT, body BLOB NOT NULL,
        UNIQUE (lane, epoch, seq)) STRICT""",
    "CREATE INDEX records_by_passage ON records (passage_id) WHERE passage_id IS NOT NULL",
    # A record or message that could not be used. `times`: how often the same bytes came.
    """CREATE TABLE dead_letters (
        dead_letter_id INTEGER PRIMARY KEY,
        received_ms INTEGER NOT NULL, topic TEXT NOT NULL,
        lane TEXT, epoch TEXT, seq INTEGER,
        reason TEXT NOT NULL, payload BLOB NOT NULL, payload_sha256 TEXT NOT NULL,
        times INTEGER NOT NULL DEFAULT 1) STRICT""",
    "CREATE UNIQUE INDEX dead_letters_numbered ON dead_letters (lane, epoch, seq)"
    " WHERE seq IS NOT NULL",
    "CREATE UNIQUE INDEX dead_letters_unnumbered ON dead_letters (topic, payload_sha256)"
    " WHERE seq IS NULL",
)

_PROJECTIONS = (
    # JSON columns hold the wire structs of gate_agent.wire.v1. `*_seq` is the record a group of
    # columns came from: a later record replaces an earlier one, never the other way round.
    """CREATE TABLE passages (
        passage_id TEXT PRIMARY KEY, lane TEXT NOT NULL, epoch TEXT NOT NULL,
        first_at_ms INTEGER NOT NULL, first_received_ms INTEGER NOT NULL,
        opened_at_ms INTEGER,
        decided_seq INTEGER, decided_at_ms INTEGER, decided_received_ms INTEGER,
        verdict TEXT, reasons TEXT, evidence TEXT, plate TEXT, card_uid TEXT, gross_kg INTEGER,
        declaration_id TEXT, declaration TEXT, manifest_version INTEGER, policy_version TEXT,
        overridden_seq INTEGER, overridden_at_ms INTEGER, override_decision TEXT,
        override_by TEXT, override_reason TEXT, override_command_id TEXT,
        closed_at_ms INTEGER, outcome TEXT, decided_by TEXT, left_by TEXT,
        arrived_at_ms INTEGER, timeline TEXT) STRICT""",
    "CREATE INDEX passages_by_time ON passages (first_at_ms)",
    "CREATE INDEX passages_by_lane ON passages (lane, first_at_ms)",
    "CREATE INDEX passages_by_plate ON passages (plate)",
    "CREATE INDEX passages_open ON passages (lane, epoch) WHERE closed_at_ms IS NULL",
    # `jpeg` NULL: the lane had lost the file (`lost`), or a rule deleted it (`deletions`).
    # The id is the SHA-256 of the JPEG, checked.
    """CREATE TABLE pictures (
        picture_id TEXT PRIMARY KEY, received_ms INTEGER NOT NULL, jpeg BLOB) STRICT""",
    """CREATE TABLE passage_pictures (
        passage_id TEXT NOT NULL, picture_id TEXT NOT NULL, view TEXT NOT NULL,
        at_ms INTEGER NOT NULL, PRIMARY KEY (passage_id, picture_id, view)) STRICT""",
    """CREATE TABLE faults (
        lane TEXT NOT NULL, epoch TEXT NOT NULL, code TEXT NOT NULL,
        seq INTEGER NOT NULL, raised INTEGER NOT NULL, at_ms INTEGER NOT NULL,
        detail TEXT NOT NULL, PRIMARY KEY (lane, epoch, code)) STRICT""",
    # `seq` NULL: raised by the hub itself.
    """CREATE TABLE alarms (
        alarm_id INTEGER PRIMARY KEY, lane TEXT NOT NULL, epoch TEXT, seq INTEGER,
        code TEXT NOT NULL, passage_id TEXT, at_ms INTEGER NOT NULL,
        detail TEXT NOT NULL DEFAULT '',
        acknowledged_by TEXT, acknowledged_at_ms INTEGER) STRICT""",
)

_COMMANDS = (
    # state: pending | done | refused | expired. `body` is the wire command as sent.
    """CREATE TABLE commands (
        command_id TEXT PRIMARY KEY, kind TEXT NOT NULL, lane TEXT NOT NULL,
        passage_id TEXT, value TEXT NOT NULL,     -- decision, mode, or '' for any other
        issued_by TEXT NOT NULL, reason TEXT NOT NULL,
        issued_at_ms INTEGER NOT NULL, expires_at_ms INTEGER NOT NULL,
        state TEXT NOT NULL, resolved_at_ms INTEGER, why TEXT NOT NULL DEFAULT '',
        body BLOB NOT NULL) STRICT""",
    "CREATE INDEX commands_pending ON commands (expires_at_ms) WHERE state = 'pending'",
    "CREATE INDEX commands_by_passage ON commands (passage_id) WHERE passage_id IS NOT NULL",
    # Who did what: commands, imports, logins, users. Never updated, never deleted.
    """CREATE TABLE audit (
        audit_id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, who TEXT NOT NULL,
        action TEXT NOT NULL, lane TEXT, passage_id TEXT,
        detail TEXT NOT NULL DEFAULT '') STRICT""",
    "CREATE INDEX audit_by_passage ON audit (passage_id) WHERE passage_id IS NOT NULL",
)

_MANIFEST = (
    """CREATE TABLE manifest_versions (
        version INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL,
        cause TEXT NOT NULL,                      -- import | used | withdrawn | closed
        made_by TEXT NOT NULL, source TEXT NOT NULL DEFAULT '',
        upserts INTEGER NOT NULL, deletes INTEGER NOT NULL,
        count INTEGER NOT NULL, digest TEXT NOT NULL) STRICT""",
    # Which declarations each version touched; what they are now is in `declarations`.
    """CREATE TABLE manifest_changes (
        version INTEGER NOT NULL, declaration_id TEXT NOT NULL,
        PRIMARY KEY (version, declaration_id)) STRICT, WITHOUT ROWID""",
    # `body` is the wire DeclarationRow as the lanes get it, `row_digest` its digest.
    """CREATE TABLE declarations (
        declaration_id TEXT PRIMARY KEY, card_uid TEXT NOT NULL, used_by TEXT,
        version INTEGER NOT NULL, row_digest TEXT NOT NULL, body BLOB NOT NULL) STRICT""",
    "CREATE INDEX declarations_by_card ON declarations (card_uid)",
    """CREATE TABLE declaration_plates (
        plate TEXT NOT NULL, declaration_id TEXT NOT NULL,
        PRIMARY KEY (plate, declaration_id)) STRICT, WITHOUT ROWID""",
    "CREATE INDEX declaration_plates_by_id ON declaration_plates (declaration_id)",
    # Which passage used a declaration up; kept whatever is imported later.
    # `in_version` NULL: not yet in a manifest version.
    """CREATE TABLE declaration_uses (
        declaration_id TEXT PRIMARY KEY, passage_id TEXT NOT NULL, lane TEXT NOT NULL,
        at_ms INTEGER NOT NULL, in_version INTEGER) STRICT""",
    "CREATE INDEX declaration_uses_waiting ON declaration_uses (declaration_id)"
    " WHERE in_version IS NULL",
)


_CHAIN = (
    # The record's link in its lane's chain; NULL: made by a version that had none.
    "ALTER TABLE records ADD COLUMN chain TEXT",
    # The first record of this epoch that carries a link; how often the chain did not hold; how
    # many records were acknowledged once, are not here and are gone from the lane.
    "ALTER TABLE lane_epochs ADD COLUMN proved_from INTEGER",
    "ALTER TABLE lane_epochs ADD COLUMN chain_breaks INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE lane_epochs ADD COLUMN lost INTEGER NOT NULL DEFAULT 0",
    # Since when something is missing below the highest number; whether that was said.
    "ALTER TABLE lane_epochs ADD COLUMN gap_since_ms INTEGER",
    "ALTER TABLE lane_epochs ADD COLUMN gap_told INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX records_sealed ON records (at_ms) WHERE type = 'passage_sealed'",
)


_POLICY = (
    # `body` is the pack's canonical JSON, `policy_hash` its SHA-256. Never deleted.
    """CREATE TABLE policy_packs (
        policy_hash TEXT PRIMARY KEY, version TEXT NOT NULL UNIQUE, owner TEXT NOT NULL,
        effective_from_ms INTEGER NOT NULL, effective_until_ms INTEGER NOT NULL,
        imported_by TEXT NOT NULL, imported_at_ms INTEGER NOT NULL, body BLOB NOT NULL) STRICT""",
    # The secret of a period of draws; shown to nobody until it is revealed.
    """CREATE TABLE draw_periods (
        period TEXT PRIMARY KEY, from_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL,
        commitment TEXT NOT NULL, secret BLOB NOT NULL, made_by TEXT NOT NULL,
        made_at_ms INTEGER NOT NULL, revealed_by TEXT, revealed_at_ms INTEGER) STRICT""",
    "ALTER TABLE passages ADD COLUMN policy_hash TEXT",
    "ALTER TABLE passages ADD COLUMN verdict_more TEXT",  # place, notify, obligations
)


_ACCOUNTS = (
    # What was granted of each list, permit or book, and which declarations have taken of it.
    """CREATE TABLE accounts (
        account_id TEXT PRIMARY KEY, kind TEXT NOT NULL, granted INTEGER NOT NULL) STRICT""",
    """CREATE TABLE account_draws (
        account_id TEXT NOT NULL, declaration_id TEXT NOT NULL, quantity INTEGER NOT NULL,
        PRIMARY KEY (account_id, declaration_id)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE declaration_accounts (
        account_id TEXT NOT NULL, declaration_id TEXT NOT NULL,
        PRIMARY KEY (account_id, declaration_id)) STRICT, WITHOUT ROWID""",
    "CREATE INDEX declaration_accounts_by_id ON declaration_accounts (declaration_id)",
)


_CROSSINGS = (
    # `way`: in | out. `before`: the passage of this plate before it. `odd`: in_twice | out_only.
    """CREATE TABLE crossings (
        passage_id TEXT PRIMARY KEY, plate TEXT NOT NULL, at_ms INTEGER NOT NULL,
        lane TEXT NOT NULL, way TEXT NOT NULL, before TEXT,
        is_last INTEGER NOT NULL DEFAULT 0, odd TEXT) STRICT""",
    "CREATE INDEX crossings_by_plate ON crossings (plate, at_ms, passage_id)",
    "CREATE INDEX crossings_inside ON crossings (at_ms, passage_id)"
    " WHERE way = 'in' AND is_last = 1",
    "CREATE INDEX crossings_odd ON crossings (at_ms, passage_id) WHERE odd IS NOT NULL",
    """CREATE TEMP TABLE lane_ways AS
        SELECT k.policy_hash AS pack, json_extract(l.value, '$.lane') AS lane,
        json_extract(l.value, '$.direction') AS way
        FROM policy_packs k, json_each(CAST(k.body AS TEXT), '$.lanes') l""",
    """INSERT INTO crossings (passage_id, plate, at_ms, lane, way, before, is_last, odd)
        SELECT passage_id, plate, at_ms, lane, way, lag(passage_id) OVER w,
        lead(passage_id) OVER w IS NULL,
        CASE WHEN way = 'in' AND lag(way) OVER w = 'in' THEN 'in_twice'
            WHEN way = 'out' AND lag(way) OVER w IS NOT 'in' THEN 'out_only' END
        FROM (SELECT p.passage_id, plate_key(p.plate) AS plate, p.closed_at_ms AS at_ms, p.lane,
            coalesce((SELECT y.way FROM lane_ways y WHERE y.pack = p.policy_hash
                AND y.lane = p.lane), json_extract(p.declaration, '$.direction')) AS way
            FROM passages p WHERE p.outcome = 'release' AND p.left_by IN ('exit', 'unseen')
            AND p.plate IS NOT NULL)
        WHERE way IS NOT NULL WINDOW w AS (PARTITION BY plate ORDER BY at_ms, passage_id)""",
    "DROP TABLE temp.lane_ways",
)


@hub_migrations()
def m001_records_passages_commands_manifest(db: Database) -> None:
    """The first tables."""
    for statement in (*_RECORDS, *_PROJECTIONS, *_COMMANDS, *_MANIFEST):
        db.execute(statement)


@hub_migrations()
def m002_chain_and_dossiers(db: Database) -> None:
    """Links of the chain, and what was found wrong with it."""
    for statement in _CHAIN:
        db.execute(statement)


@hub_migrations()
def m003_policy(db: Database) -> None:
    """Policy packs, periods of draws, and what a verdict says beyond its reasons."""
    for statement in _POLICY:
        db.execute(statement)


@hub_migrations()
def m004_accounts(db: Database) -> None:
    """Lists, permits and books that declarations draw on."""
    for statement in _ACCOUNTS:
        db.execute(statement)


@hub_migrations()
def m005_slips(db: Database) -> None:
    """Each numbered slip of an emergency, once in the whole port."""
    db.execute(
        "CREATE TABLE slips (slip TEXT PRIMARY KEY, passage_id TEXT NOT NULL,"
        " command_id TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT"
    )


@hub_migrations()
def m006_claims(db: Database) -> None:
    """Which passage asked for a declaration first; freed when it ends without a release."""
    db.execute(
        "CREATE TABLE claims (declaration_id TEXT PRIMARY KEY, passage_id TEXT NOT NULL,"
        " lane TEXT NOT NULL, epoch TEXT NOT NULL, at_ms INTEGER NOT NULL)"
        " STRICT, WITHOUT ROWID"
    )
    db.execute("CREATE INDEX claims_by_passage ON claims (passage_id)")


@hub_migrations()
def m007_passages_by_declaration(db: Database) -> None:
    """Who was matched with a declaration: to find the same plate elsewhere, and conflicts."""
    db.execute(
        "CREATE INDEX passages_by_declaration ON passages (declaration_id)"
        " WHERE declaration_id IS NOT NULL"
    )


@hub_migrations()
def m008_clips(db: Database) -> None:
    """Clips that a person asked a lane for, in the parts in which they come."""
    for statement in (
        # What `state` can be: central.store.rows.ClipState. A row is a request.
        """CREATE TABLE clips (
            clip_id TEXT PRIMARY KEY, lane TEXT NOT NULL, asked_by TEXT NOT NULL,
            asked_at_ms INTEGER NOT NULL, expires_at_ms INTEGER NOT NULL, state TEXT NOT NULL,
            total_bytes INTEGER, here_bytes INTEGER NOT NULL DEFAULT 0,
            ended_at_ms INTEGER) STRICT""",
        "CREATE INDEX clips_pending ON clips (asked_at_ms) WHERE state = 'pending'",
        """CREATE TABLE clip_parts (
            clip_id TEXT NOT NULL, place INTEGER NOT NULL, content BLOB NOT NULL,
            UNIQUE (clip_id, place)) STRICT""",
    ):
        db.execute(statement)


@hub_migrations()
def m009_emergencies(db: Database) -> None:
    """On which slip, in which kind of emergency a person released a vehicle."""
    db.execute("ALTER TABLE passages ADD COLUMN override_slip TEXT")
    db.execute("ALTER TABLE passages ADD COLUMN override_emergency TEXT")
    db.execute(
        "CREATE INDEX passages_by_slip ON passages (override_slip) WHERE override_slip IS NOT NULL"
    )


@hub_migrations()
def m010_obligations(db: Database) -> None:
    """What released vehicles owe, from their verdicts, and what people said was done about it."""
    for statement in (
        """CREATE TABLE obligations (
            passage_id TEXT NOT NULL, code TEXT NOT NULL, owed_to TEXT NOT NULL, due_ms INTEGER,
            PRIMARY KEY (passage_id, code, owed_to)) STRICT, WITHOUT ROWID""",
        "CREATE INDEX obligations_by_due ON obligations (due_ms)",
        # Never updated, never deleted: the last word counts.
        """CREATE TABLE obligation_words (
            word_id INTEGER PRIMARY KEY, passage_id TEXT NOT NULL, code TEXT NOT NULL,
            owed_to TEXT NOT NULL, deed TEXT NOT NULL, said_by TEXT NOT NULL,
            at_ms INTEGER NOT NULL, number TEXT NOT NULL, done_at_ms INTEGER,
            reason TEXT NOT NULL) STRICT""",
        "CREATE INDEX obligation_words_of ON obligation_words (passage_id, code, owed_to)",
        """INSERT OR IGNORE INTO obligations (passage_id, code, owed_to, due_ms)
            SELECT p.passage_id, json_extract(o.value, '$.code'),
            coalesce(json_extract(o.value, '$.to'), ''), json_extract(o.value, '$.due_ms')
            FROM passages p, json_each(p.verdict_more, '$.obligations') o""",
    ):
        db.execute(statement)


@hub_migrations()
def m011_list_periods(db: Database) -> None:
    """When a list may be drawn on, and who closed it under which collective declaration."""
    for column in (
        "opens_ms INTEGER",
        "closes_ms INTEGER",
        "closed_at_ms INTEGER",
        "closed_by TEXT",
        "closing_number TEXT",
    ):
        db.execute(f"ALTER TABLE accounts ADD COLUMN {column}")


@hub_migrations()
def m012_what_began_and_ended(db: Database) -> None:
    """Faults and modes of a period, without reading every record."""
    db.execute(
        "CREATE INDEX records_of_changes ON records (at_ms)"
        " WHERE type IN ('fault_changed', 'command_carried_out')"
    )


@hub_migrations()
def m013_ways_in_and_out(db: Database) -> None:
    """Released vehicles by plate and way, each linked to its way before: who is inside."""
    db.conn.create_function("plate_key", 1, normalize_plate, deterministic=True)
    for statement in _CROSSINGS:
        db.execute(statement)


@hub_migrations()
def m014_crews(db: Database) -> None:
    """Cards beside the driver's that may come with a vehicle."""
    db.execute(
        "CREATE TABLE declaration_crews (card_uid TEXT NOT NULL, declaration_id TEXT NOT NULL,"
        " PRIMARY KEY (card_uid, declaration_id)) STRICT, WITHOUT ROWID"
    )
    db.execute("CREATE INDEX declaration_crews_by_id ON declaration_crews (declaration_id)")


@hub_migrations()
def m015_retention(db: Database) -> None:
    """Pictures and clips that a rule deletes, and passages of which a person keeps them."""
    for statement in (
        # Never updated, never deleted: the last word counts. `deed`: kept | ended.
        """CREATE TABLE keeps (
            word_id INTEGER PRIMARY KEY, passage_id TEXT NOT NULL, deed TEXT NOT NULL,
            said_by TEXT NOT NULL, at_ms INTEGER NOT NULL, reason TEXT NOT NULL) STRICT""",
        "CREATE INDEX keeps_of ON keeps (passage_id)",
        # What a rule deleted, in the transaction that deleted it. `kind`: picture | clip.
        """CREATE TABLE deletions (
            passage_id TEXT NOT NULL, kind TEXT NOT NULL, content_id TEXT NOT NULL,
            at_ms INTEGER NOT NULL, rule TEXT NOT NULL, days INTEGER NOT NULL, free_gb REAL,
            PRIMARY KEY (passage_id, kind, content_id, at_ms)) STRICT, WITHOUT ROWID""",
        # Whether no lane ever had its bytes to send. Until now that was the only way to have none.
        "ALTER TABLE pictures ADD COLUMN lost INTEGER NOT NULL DEFAULT 0",
        "UPDATE pictures SET lost = 1 WHERE jpeg IS NULL",
        "ALTER TABLE clips ADD COLUMN passage_id TEXT",
        "UPDATE clips SET passage_id = (SELECT max(a.passage_id) FROM audit a"
        " WHERE a.action = 'clip_asked' AND a.detail = clips.clip_id)",
        "CREATE INDEX pictures_here ON pictures (received_ms, picture_id) WHERE jpeg IS NOT NULL",
        "CREATE INDEX passages_by_picture ON passage_pictures (picture_id)",
        "CREATE INDEX clips_here ON clips (ended_at_ms, clip_id) WHERE here_bytes > 0",
        "CREATE INDEX alarms_by_passage ON alarms (passage_id) WHERE passage_id IS NOT NULL",
    ):
        db.execute(statement)
