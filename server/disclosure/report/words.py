"""Words of the report in Chinese and English; data only."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from client_sdk.protocol.entries import kinds

NOT_RECORDED: Final = "未记录 not recorded"

EVENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "capture.recorded": "现场采集 captured",
        "capture.lost": "采集丢失 lost",
        "capture.recovered": "采集找回 recovered",
        "capture.deleted": "原件删除声明 deletion declared",
        "log.note": "现场日志 log note",
        "duty.handover": "现场交接 handed over",
        "duty.handed-over": "设备交接 device handed over",
        "case.added": "立案登记 case added",
        "case.changed": "案件变更 case changed",
        "case.assigned": "人员指派 people assigned",
        "entry.written": "案件登记 entry written",
        "entry.taken": "接收现场登记 entries taken",
        "finding.opened": "发现问题 finding opened",
        "finding.explained": "问题说明 finding explained",
        "finding.rectified": "问题整改 finding rectified",
        "finding.upheld": "问题认定 finding upheld",
        "finding.cleared": "问题消除 finding cleared",
        "evidence.verified": "入库校验 received and verified",
        "evidence.examined": "检验 examined",
        "evidence.missing": "逾期未到 overdue",
        "evidence.previewed": "生成浏览副本 copy for browsers",
        "faces.asked": "请求人脸建议 faces asked for",
        "faces.suggested": "人脸建议 faces suggested",
        "redaction.asked": "申请遮盖副本 redaction asked for",
        "redaction.made": "遮盖副本完成 redacted copy made",
        "redaction.failed": "遮盖副本失败 redaction failed",
        "redaction.discarded": "弃用遮盖副本 redacted copy discarded",
        "redaction.viewed": "查看遮盖副本 redacted copy viewed",
        "recording.checked": "录制校验 recording checked",
        "evidence.rebound": "更正归属 rebound",
        "evidence.unclaimed": "无记录文件 bytes without record",
        "blob.shipped": "副本完成 second copy",
        "blob.repaired": "副本修复 copy repaired",
        "blob.damaged": "副本损坏 copy damaged",
        "custody.listed": "列表查阅 listed",
        "custody.viewed": "查看 viewed",
        "custody.downloaded": "下载 downloaded",
        "custody.export-requested": "申请导出 export requested",
        "custody.exported": "导出 exported",
        "custody.export-packed": "导出完成 export packed",
        "custody.export-failed": "导出失败 export failed",
        "custody.export-downloaded": "导出件下载 export downloaded",
        "custody.shared": "对外共享 shared",
        "custody.item-shared": "列入对外共享 item shared",
        "custody.share-opened": "共享被打开 share opened",
        "custody.share-refused": "共享验证码错误 share code refused",
        "custody.share-code-renewed": "更换共享验证码 share code renewed",
        "custody.share-revoked": "撤销共享 share revoked",
        "review.accepted": "审核通过 accepted",
        "review.returned": "退回 returned",
        "review.queried": "询问 queried",
        "review.commented": "批注 commented",
        "erasure.requested": "申请依法删除 erasure asked for",
        "erasure.refused": "不同意删除 erasure refused",
        "evidence.erased": "依法删除 lawfully erased",
        "device.lost": "设备遗失 device reported lost",
        "evidence.suspected": "标为存疑 marked as suspect",
        "retention.classed": "保存期限归类 classed for retention",
        "hold.placed": "冻结 legal hold placed",
        "hold.lifted": "解除冻结 legal hold lifted",
        "custody.audit-searched": "检索日志 log searched",
        "custody.audit-exported": "导出日志 log exported",
        "custody.list-exported": "导出列表 list exported",
        "custody.export-limited": "导出过多被拒 refused after too many exports",
        "review.reversed": "撤回审核决定 decision reversed",
        "review.marked": "时间标记 moment marked",
        "review.goal-set": "复看目标 goal of second looks",
        "review.drawn": "抽取复看 drawn for a second look",
        "review.second-looked": "复看 second look",
        "custody.offered": "移交 offered",
        "custody.accepted": "接收 accepted",
        "custody.declined": "拒收 declined",
        "media.open": "开始录制 recording began",
        "media.progress": "录制中 recording",
        "media.close": "结束录制 recording ended",
        "mission.closed": "任务收尾记录 mission closed",
        "head.attest": "互证链首 head of another device",
        "clock.observed": "对时 clock compared",
        "device.enrolled": "设备注册 device enrolled",
        "device.registered": "设备登记 device registered",
        "device.revoked": "设备吊销 device revoked",
        "key.added": "启用密钥 key added",
        "key.retired": "停用密钥 key retired",
        "key.next": "密钥轮换 key rotated",
    }
)
MEDIA: Final[Mapping[str, str]] = MappingProxyType(
    {
        "photo": "照片 photo",
        "video": "视频 video",
        "audio": "录音 audio",
        "document": "文件 document",
    }
)
ABSENT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "erased": "依法删除 lawfully erased",
        "missing": "未到达 never arrived",
        "withheld": "不予披露 withheld",
        "deleted": "设备已声明删除 deletion declared by the device",
    }
)
LEVELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "L0": "L0 未签名 not signed",
        "L1": "L1 已签名 signed",
        "L2": "L2 已见证 witnessed",
        "L3": "L3 已加盖可信时间 timestamped",
    }
)
CLOCKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "A": "A 同次开机内与服务器对时 compared with the server in the same boot",
        "B": "B 卫星时间 satellite time",
        "C": "C 仅设备时钟 device clock only",
        "D": "D 相互矛盾 contradictory",
    }
)
INTRODUCTION: Final = (
    "本报告由签名日志生成，是数据包的派生视图；以数据包中的日志条目、证明与原件为准。"
    "“未记录”表示系统没有该项记录，不表示该事实不存在。日志只能证明入链之后未被更改，"
    "不能证明现场情况真实。\n"
    "This report is derived from the signed log; what counts are the entries, proofs and "
    "originals of the package. “Not recorded” says that the system holds no such record, not that "
    "the fact is absent. The log proves that nothing was changed after it was entered; it does "
    "not prove that the scene was genuine."
)
VERIFY: Final = (
    "验证：从法院网站（而非本数据包）取得验证工具与信任文件，核对信任文件的指纹，然后运行\n"
    "To verify: take the verifier and the trust file from the court's site, never from this "
    "package, compare the trust file's fingerprint with the one on the record, then run\n"
    "    tiezheng verify DOSSIER --policy TRUST\n"
    "本报告引用导出之前的检查点；数据包 proof/checkpoint 覆盖本次导出自身的日志条目。"
    "This report cites the checkpoint before the export; proof/checkpoint in the package covers "
    "the export's own entry."
)


def event(kind: str) -> str:
    """A kind of event in words, with its name when it has none."""
    entry = kinds().get(kind)
    return EVENTS.get(kind, f"{entry.label.zh} {entry.label.en}" if entry else kind)
