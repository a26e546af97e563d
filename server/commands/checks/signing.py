"""Whether the log is signed, and what the signer says when it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy.orm import Session

from server.audit import log_state
from server.audit.log_state import LogReport, Signing
from server.commands.checks.finding import Finding, Installation, fail, ok, warn
from server.commands.console import Words

_START: Final = Words(
    "启动签名进程：flask --app wsgi signer（make run 会一并启动）",
    "start it: 'flask --app wsgi signer' (make run does)",
)
_DEAL: Final = {
    "older-database": Words(
        "恢复较新的数据库，或从镜像补回缺失的条目；不要删除签名目录",
        "bring back the newer database or the missing entries; never delete the signer's folder",
    ),
    "history-differs": Words(
        "恢复签名时的数据库；运行 scrub 找出被改动的部分",
        "bring back the database that was signed; 'scrub' finds what was changed",
    ),
    "leaf-differs": Words(
        "运行 scrub 找出被改动的条目", "'scrub' finds the entry that was changed"
    ),
    "damaged": Words("运行 scrub 由条目重建", "'scrub' rebuilds the tree from the entries"),
    "other-key": Words("恢复签名进程的目录", "restore the signer's folder"),
}
_REFUSED_ROWS: Final = Words(
    "查看 outbox_refused 表，查明谁能写数据库",
    "look at the table outbox_refused, and find out who can write to the database",
)


def findings(session: Session, place: Installation) -> Iterator[Finding]:
    """The signer, and rows that were injected into the outbox."""
    found = log_state.report(session, place.clock.now(), place.settings.sign_lag_seconds_max)
    yield signer(found)
    if found.refused_rows:
        count = found.refused_rows
        yield fail(
            "outbox",
            Words(f"{count} 行不是本服务器写入的", f"{count} rows were not written by this server"),
            _REFUSED_ROWS,
        )


def signer(found: LogReport) -> Finding:
    """What it does, or why it does nothing."""
    waiting = found.size - found.levels.signed
    if found.signing is Signing.REFUSES:
        reason, detail = found.refusal or "", found.detail or ""
        said = Words(f"拒绝签名（{reason}）：{detail}", f"it refuses ({reason}): {detail}")
        return fail("signer", said, _DEAL.get(reason, _START))
    if found.signing is Signing.BEHIND:
        said = Words(
            f"{waiting} 个条目未签名，签名进程已 {found.lag_seconds:.0f} 秒没有消息",
            f"{waiting} entries are not signed, nothing heard for {found.lag_seconds:.0f} s",
        )
        return fail("signer", said, _START)
    if found.signing is Signing.ABSENT and found.size:
        said = Words(
            f"从未运行过，{waiting} 个条目未签名", f"it has never run, {waiting} entries wait"
        )
        return warn("signer", said, _START)
    return ok("signer", f"已签名 {found.levels.signed} 个条目", f"{found.levels.signed} signed")
