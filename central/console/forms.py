"""What a person typed into a form, checked."""

from __future__ import annotations

from starlette.datastructures import FormData

from central.console.fragments import REASON_CODES
from central.console.wording import Wording

MAX_REASON = 300
MAX_SLIP = 40


class FormError(Exception):
    """A form that cannot be used; `label` is the console label that says why."""

    def __init__(self, label: str, **values: object) -> None:
        super().__init__(label)
        self.label = label
        self.values = values


def text_field(form: FormData, name: str) -> str:
    """A text field, trimmed; empty when absent or a file."""
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def required(form: FormData, name: str, longest: int) -> str:
    """A text that must be there. Raises `FormError`."""
    value = text_field(form, name)[:longest]
    if not value or not value.isprintable():
        raise FormError(f"error.{name}_required")
    return value


def chosen(form: FormData, name: str, allowed: tuple[str, ...]) -> str:
    """A choice out of a closed set. Raises `FormError`."""
    value = text_field(form, name)
    if value not in allowed:
        raise FormError(f"error.{name}_required")
    return value


def reason(form: FormData, wording: Wording) -> str:
    """The reason picked, the reason written, or both. Raises `FormError` for none.

    A picked reason is recorded in the words that the person saw.
    """
    picked = text_field(form, "reason_pick")
    parts = [wording.label(f"reason.{picked}")] if picked in REASON_CODES else []
    parts += [part for part in [text_field(form, "reason_text")[:MAX_REASON]] if part]
    if not parts:
        raise FormError("error.reason_required")
    return "; ".join(parts)
