"""The document of the conduct rules, made from the rules themselves.

``python -m deploy.conduct_rules`` prints it; ``--write docs/conduct-rules.md`` writes it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from client_sdk.protocol.entries import Label, kinds
from server.conduct.grounds import LOOKS
from server.conduct.rulebook import NUMBERS
from server.conduct.words import sentences
from server.fieldlog.conduct_judges import JUDGES
from server.fieldlog.conduct_rules import ANY, Basis, Config, Rule, standard

_HEAD: Final = """# Conduct rules of enforcement in the field (执行行动规范)

Made by `python -m deploy.conduct_rules --write docs/conduct-rules.md`; a test wants it fresh.

Every action in the field is judged by every rule, from what was written down about it and from its
evidence. An outcome is one of five: **pass**, **fail** or **warn** (as the rule's severity has it),
**not applicable**, **unknown**. What was not recorded, or has not been synced yet, is unknown: it
is never shown as a pass, and it clears no finding. Citations name the version of the law that they
were taken from; 未核实 marks practice, local rules and the design of this system, for which no
primary text was read.
"""
_OWN: Final = """## Rules of a court's own

A court adds rules, and sets its numbers within bounds, as TOML (`POST /api/v1/conduct-rules`; each
text is a new version that takes the place of the one before). It takes no rule above away: ids that
begin with CC are taken. A rule names the types of action it is about (`"*"`: all), the plain facts
that have to be true (`require`), and a judge for the rest; one of the two has to be there.

```toml
[config]
recorders_min = 3

[LOCAL-1]
severity = "warn"
zh = "搜查须有见证人"
en = "A search has a witness"
basis = [{ law = "本院执行工作规定", article = "12", confirmed = true }]
types = ["search"]
require = ["service_witnessed"]
```
"""


def document() -> str:
    """The whole document."""
    parts = [_HEAD, "## The rules", "", *_rules(), "", _OWN]
    parts += ["### Numbers", "", *_numbers(), "", "### Judges", "", *_judges(), ""]
    parts += ["### Plain facts", "", *_facts(), "", "### Types of action", "", *_types(), ""]
    parts += ["## Reasons", "", *_reasons()]
    return "\n".join(parts) + "\n"


def main() -> None:
    """Print the document, or write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help="where to write it")
    target: Path | None = parser.parse_args().write
    if target is None:
        print(document())
        return
    target.write_text(document(), encoding="utf-8")


def _rules() -> list[str]:
    head = ["| id | severity | rule | about | has to be true | judge | basis |", "|" + "---|" * 7]
    return [*head, *(_rule(rule) for rule in standard())]


def _rule(rule: Rule) -> str:
    about = "all" if ANY in rule.types else ", ".join(sorted(rule.types))
    facts = ", ".join(f"`{name}`" for name in rule.require)
    judge = f"`{rule.judge}`" if rule.judge else ""
    basis = "；".join(_basis(one) for one in rule.basis)
    said = f"{rule.zh}<br>{rule.en}"
    return f"| {rule.id} | {rule.severity.value} | {said} | {about} | {facts} | {judge} | {basis} |"


def _basis(basis: Basis) -> str:
    version = f"（{basis.law_version}）" if basis.law_version else ""
    article = f"第{basis.article}条" if basis.article else ""
    return f"{basis.law}{version}{article}{'' if basis.confirmed else '（未核实）'}"


def _numbers() -> list[str]:
    usual = Config()
    rows = [f"| `{name}` | {getattr(usual, field)} |" for name, (field, _) in NUMBERS.items()]
    return ["| name in `config` | default |", "|---|---|", *rows]


def _judges() -> list[str]:
    rows = []
    for name, judge in sorted(JUDGES.items()):
        look = LOOKS[name]
        seen = [f"`{kind}`" for kind in sorted(look.kinds)] + [
            f"fact `{one}`" for one in look.facts
        ]
        seen += [f"tag `{tag}`" for tag in look.tags] + (["recordings"] if look.recordings else [])
        rows.append(f"| `{name}` | {(judge.__doc__ or '').strip()} | {', '.join(seen)} |")
    return ["| judge | what it wants | where it looks |", "|---|---|---|", *rows]


def _facts() -> list[str]:
    return _named(kinds()["action.facts"].fields["facts"].options.items())


def _types() -> list[str]:
    return _named(kinds()["action.started"].fields["type"].options.items())


def _reasons() -> list[str]:
    return _named(sentences().items())


def _named(pairs: Iterable[tuple[str, Label]]) -> list[str]:
    rows = [f"| `{code}` | {label.zh} | {label.en} |" for code, label in pairs]
    return ["| code | 中文 | English |", "|---|---|---|", *rows]


if __name__ == "__main__":
    main()
