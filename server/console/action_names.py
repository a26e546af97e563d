"""What the types of action are called; names are those of the entries that begin one."""

from __future__ import annotations

from collections.abc import Mapping

from client_sdk.protocol.entries import Label, kinds
from server.console import words
from server.console.words import Language


def action_types() -> Mapping[str, Label]:
    """Every type by its id."""
    return kinds()["action.started"].fields["type"].options


def action_type(lang: Language, value: str) -> str:
    """A type's name; of an action of which only later entries have come none is known."""
    found = action_types().get(value)
    if found is None:
        return words.text(lang, "actions.type_not_known")
    return found.zh if lang == "zh" else found.en
