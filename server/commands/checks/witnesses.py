"""Whether anybody outside confirms the log, as they last said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy.orm import Session

from server.audit.attestors import Standing
from server.audit.witness_state import Party, WitnessState, witness_state
from server.commands.checks.finding import Finding, Installation, fail, ok, warn
from server.commands.console import Words
from server.settings import PREFIX

_RESTORED: Final = Words(
    "日志可能来自旧备份：停止签名，找回缺失的条目；见 docs/witness.md",
    "the log may come from an older backup: stop signing, bring the missing entries back; "
    "see docs/witness.md",
)
_REPLACE: Final = Words(
    "请该单位以新密钥重建见证人，并更新策略文件",
    "have its office make a new one with a new key, and change the policy",
)
_REACH: Final = Words(
    "检查网络与对方服务；恢复后自动补上",
    "look at the network and the other side; what is missing is made up for by itself",
)
_STEPS: Final = {Standing.AHEAD: _RESTORED, Standing.FORKED: _RESTORED}


def findings(session: Session, place: Installation) -> Iterator[Finding]:
    """Alarms first, then what lags, then who is away; one good line when there is nothing."""
    state = witness_state(session, place.settings, place.clock.now())
    if state.policy_problem is not None:
        yield fail(
            "witnesses",
            Words(
                f"见证策略不可用：{state.policy_problem}",
                f"the policy cannot be used: {state.policy_problem}",
            ),
            Words(f"更正 {PREFIX}WITNESS_POLICY", f"look at {PREFIX}WITNESS_POLICY"),
        )
        return
    yield from (_alarm(party) for party in state.alarms)
    yield _witnesses(state)
    if state.authorities:
        yield _authorities(state)


def _alarm(party: Party) -> Finding:
    standing = party.stand.standing or Standing.FORKED
    said = Words(f"{party.name}：{party.stand.detail}", f"{party.name}: {party.stand.detail}")
    return fail("witnesses", said, _STEPS.get(standing, _REPLACE))


def _witnesses(state: WitnessState) -> Finding:
    if not state.has_quorum:
        # Said, but no fault of a small installation: the log is signed all the same.
        return ok(
            "witnesses",
            f"未设置；无人能从外部证明历史未被改写（{PREFIX}WITNESS_POLICY）",
            f"none: nobody outside could prove an unchanged history ({PREFIX}WITNESS_POLICY)",
        )
    bad = [party for party in state.witnesses if party.is_bad and party not in state.alarms]
    names = ", ".join(party.name for party in bad)
    if state.witnessed_is_late:
        lag = state.witnessed_lag_seconds
        said = Words(
            f"见证未达法定数已 {lag:.0f} 秒：{names or '尚未询问'}",
            f"no quorum for {lag:.0f} s: {names or 'nobody was asked yet'}",
        )
        return warn("witnesses", said, _REACH)
    if bad:
        return warn("witnesses", Words(f"没有副署：{names}", f"do not cosign: {names}"), _REACH)
    count = len(state.witnesses)
    return ok("witnesses", f"{count} 个见证人均已副署", f"all {count} cosign")


def _authorities(state: WitnessState) -> Finding:
    bad = [party for party in state.authorities if party.is_bad]
    names = "; ".join(f"{party.name}: {party.stand.detail}" for party in bad)
    if state.timestamped_is_late or bad:
        lag = state.timestamped_lag_seconds
        said = Words(
            f"可信时间滞后 {lag:.0f} 秒。{names}", f"trusted time lags {lag:.0f} s. {names}"
        )
        return warn("timestamps", said, _REACH)
    return ok("timestamps", "可信时间正常", "authorities answer")
