"""The keys of the summary that `make run JSON=` writes, in the order of the customer's list."""

SUMMARY_KEYS = [
    "lanes",
    "seconds",
    "passages",
    "released",
    "held",
    "inspected",
    "refused",
    "wrong_releases",
    "wrong_holds",
    "lost",
    "duplicates",
    "unsynced",
    "decision_ms",
    "stopped_to_boom_up_s",
]
