"""Texts of the command in English and Chinese."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Lang(StrEnum):
    """Languages of the messages."""

    EN = "en"
    ZH = "zh"


_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "enrolled": ("Enrolled at {court} as device {device}.", "已登记为{court}的设备 {device}。"),
    "store-plain": (
        (
            "Files of this store are not encrypted. To encrypt them, set TIEZHENG_PASSPHRASE and"
            " enrol into a new folder (--store)."
        ),
        "提示:本机文件未加密。如需加密,请设置口令(TIEZHENG_PASSPHRASE)并登记到新的文件夹(--store)。",
    ),
    "signed-in": (
        "Signed in: {officer}. Missions on this device: {missions}.",
        "已登录:{officer}。本机任务 {missions} 项。",
    ),
    "signed-out": ("Signed out.", "已退出登录。"),
    "captured": (
        "#{seq} {time} {name} sealed ({size})",
        "#{seq} {time} {name} 已封存({size})",
    ),
    "would-capture": ("Would seal {name} ({size}).", "将封存 {name}({size})。"),
    "logged": ("#{seq} {time} logged", "#{seq} {time} 已记录"),
    "entered": ("#{seq} {time} {what} recorded {action}", "#{seq} {time} 已记录:{what} {action}"),
    "no-actions": ("No actions on this device.", "本机没有执行行动。"),
    "action.planned": ("planned", "计划"),
    "action.started": ("under way", "进行中"),
    "action.ended": ("ended", "已结束"),
    "action.cancelled": ("cancelled", "已取消"),
    "bundle-exported": (
        "{records} records and {objects} files written ({size}); next: `tiezheng bundle send`.",
        "已写入记录 {records} 条、文件 {objects} 个({size})。请用 tiezheng bundle send 送交。",
    ),
    "bundle-sent": (
        "Server took the bundle. Records: {records}. Files: {objects}.",
        "服务器已接收数据包。记录:{records}。文件:{objects}。",
    ),
    "bundle-receipts": ("Receipts to carry back: {path}", "待带回的回执:{path}"),
    "bundle-imported": ("{count} receipts verified and kept.", "已核验并保存回执 {count} 份。"),
    "head-shown": (
        "Let another officer's device record this head: `tiezheng attest TEXT`.",
        "请由另一名人员的设备记录此链头:`tiezheng attest 文字`。",
    ),
    "head-short": ("For the paper record: {short}", "供笔录抄写:{short}"),
    "attested": (
        "#{seq} {time} recorded head {short} of device {device}",
        "#{seq} {time} 已记录设备 {device} 的链头 {short}",
    ),
    "closed": (
        "#{seq} mission closed: {count} records up to {head}",
        "#{seq} 任务已结束:共 {count} 条记录,链头 {head}",
    ),
    "wipe-plan": (
        "Safe to delete: {safe} ({size}). To be kept: {kept}.",
        "可安全删除 {safe} 个({size}),须保留 {kept} 个。",
    ),
    "confirm-wipe": (
        "{count} original(s) ({size}) will be deleted for ever. Type `{wanted}` to go on",
        "将永久删除原件 {count} 个({size})。继续请输入 `{wanted}`",
    ),
    "wiped": (
        "{count} original(s) deleted; a tombstone was recorded for each.",
        "已删除原件 {count} 个,均已先记录删除凭证。",
    ),
    "not-wiped": (
        "{count} file(s) changed meanwhile and were kept.",
        "有 {count} 个文件期间发生变化,已保留。",
    ),
    "keep.safe": ("safe to delete", "可安全删除"),
    "keep.log-inconsistent": ("kept: the log contradicts itself", "保留:日志前后矛盾"),
    "keep.not-captured": ("kept: never taken from this card", "保留:尚未从此卡采集"),
    "keep.not-confirmed": ("kept: no receipt yet", "保留:尚无回执"),
    "keep.no-proof": ("kept: no proof yet", "保留:尚无存证证明"),
    "keep.not-witnessed": (
        "kept: no witness of this device's log policy has signed yet",
        "保留:本机日志策略中的见证方尚未签署",
    ),
    "keep.too-young": ("kept: captured less than a day ago", "保留:采集未满一天"),
    "keep.differs": ("kept: not the bytes of the receipt", "保留:内容与回执不符"),
    "keep.unreadable": ("kept: cannot be read", "保留:无法读取"),
    "no-case": (
        (
            "It belongs to no case yet: say --case, or choose a mission with"
            " `tiezheng missions --use`; a supervisor can bind it later."
        ),
        (
            "尚未归入案件:请用 --case 指明,或用 `tiezheng missions --use` 选定任务;"
            "督导人员也可事后归案。"
        ),
    ),
    "no-missions": ("No missions on this device.", "本机没有任务。"),
    "no-items": ("Nothing was captured on this device yet.", "本机尚无采集内容。"),
    "no-receipts": ("No receipts yet.", "尚无回执。"),
    "no-returns": ("Nothing was returned.", "没有退回的内容。"),
    "next.sign-in": (
        "Next: `tiezheng sign-in LOGIN` fetches your missions.",
        "下一步:执行 `tiezheng sign-in 账号` 获取任务。",
    ),
    "next.sync": (
        "Next: `tiezheng sync` sends what was captured and fetches what is new.",
        "下一步:执行 `tiezheng sync` 发送采集内容并获取更新。",
    ),
    "next.capture": (
        (
            "Next: `tiezheng capture FILE`, `tiezheng log TEXT`, or `tiezheng dock FOLDER` for a"
            " camera's card."
        ),
        (
            "下一步:`tiezheng capture 文件`、`tiezheng log 文字`,"
            "或用 `tiezheng dock 文件夹` 读取存储卡。"
        ),
    ),
    "returned": (
        "{count} item(s) came back with a question or reason: see `tiezheng returns`.",
        "有 {count} 项被退回或询问,请执行 `tiezheng returns` 查看。",
    ),
    "asked.return": ("returned", "退回"),
    "asked.query": ("asked", "询问"),
    "summary": (
        "{pushed} records and {uploaded} files ({size}) sent, {receipts} receipts verified.",
        "已发送记录 {pushed} 条、文件 {uploaded} 个({size}),核验回执 {receipts} 份。",
    ),
    "all-confirmed": (
        "Everything on this device is confirmed by verified receipts.",
        "本机全部内容均已由核验通过的回执确认。",
    ),
    "pending": (
        "Still to come: {records} records, {objects} files ({size}), {receipts} receipts.",
        "尚待:记录 {records} 条,文件 {objects} 个({size}),回执 {receipts} 份。",
    ),
    "paused": (
        "The network went away ({code}). Nothing is lost; sync again later.",
        "网络中断({code})。内容均已保存,稍后重新同步即可。",
    ),
    "needs-you": ("Needs you:", "需要处理:"),
    "waiting": ("waiting for the network ({code})", "等待网络({code})"),
    "recovered": (
        "{count} file(s) recovered after an interruption.",
        "中断后恢复文件 {count} 个。",
    ),
    "lost": (
        "{count} file(s) are missing on this device; a signed loss was recorded.",
        "本机缺失文件 {count} 个,已签名记录丢失。",
    ),
    "damaged": (
        "{count} file(s) on this device are damaged and were left alone.",
        "本机有 {count} 个文件损坏,未作改动。",
    ),
    "interrupted": (
        "{count} interrupted recording(s) were sealed as far as they go.",
        "有 {count} 段录制曾中断,已按现有内容封存。",
    ),
    "retrying": ("{count} item(s) will be sent again.", "{count} 项将重新发送。"),
    "plan": (
        "{take} to take, {docked} taken before, {unmatched} without a match, {passed} passed over.",
        "待采集 {take},先前已采集 {docked},未匹配 {unmatched},略过 {passed}。",
    ),
    "old-bookings": (
        "Bookings could not be fetched ({code}): matching with those kept on this device.",
        "未能获取最新领用登记({code}):按本机保存的登记匹配。",
    ),
    "gap": ("Missing numbers on the card: {gap}", "存储卡编号缺失:{gap}"),
    "confirm-dock": ("Take {count} file(s) from this card?", "采集此卡上的 {count} 个文件?"),
    "ask-case": (
        "{name} ({time}): {why} Case number or id (-: leave it)",
        "{name}({time}):{why} 案号或编号(-:暂不采集)",
    ),
    "ask-case-again": ("No such case here.", "本机没有此案件。"),
    "taken": ("{count} file(s) are safe on this device.", "{count} 个文件已安全保存在本机。"),
    "nothing-new": ("Nothing new was taken from this card.", "此卡没有新采集的文件。"),
    "safe-to-remove": ("The card may be removed.", "可以取出存储卡。"),
    "unplugged": (
        "The card went away: {detail}. Insert it again and run the same command: it goes on.",
        "存储卡已断开:{detail}。重新插入并执行同一命令即可继续。",
    ),
    "left": (
        (
            "{count} file(s) are still only on the card: say where they belong with --case, and"
            " keep the card until then."
        ),
        "{count} 个文件仍只在卡上:请用 --case 指明所属案件,在此之前请保留存储卡。",
    ),
    "dry-run": ("Nothing was done (dry run).", "仅预览,未执行任何操作。"),
    "why.booked": ("carried by this officer at that time", "该时段由该执行人员领用"),
    "why.booked-near": (
        "within 15 minutes of a booking; the camera's clock may be off",
        "与领用时段相差 15 分钟以内,相机时钟可能有误差",
    ),
    "why.told": ("as you said; nobody is booked", "按您的指定;无领用登记"),
    "why.told-booked": ("case as you said, officer by booking", "案件按您的指定,人员按领用登记"),
    "why.no-booking": (
        "nobody is booked for this camera at that time.",
        "该时段没有人领用此设备。",
    ),
    "why.many-officers": (
        "several officers carried a camera at that time; name the camera with --camera.",
        "该时段有多人领用设备,请用 --camera 指明。",
    ),
    "why.many-missions": ("several missions ran at that time.", "该时段有多项任务。"),
    "why.no-mission": ("no mission ran at that time.", "该时段没有任务。"),
    "why.many-cases": ("the mission serves several cases.", "该任务涉及多个案件。"),
    "why.no-case": ("the case of its mission is not known here.", "本机不知其任务所属案件。"),
    "col.action": ("Action", "行动"),
    "col.mission": ("Mission", "任务"),
    "col.title": ("Title", "名称"),
    "col.from": ("From", "开始"),
    "col.until": ("Until", "结束"),
    "col.asked": ("Asked", "处理"),
    "col.who": ("By", "由"),
    "col.file": ("File", "文件"),
    "col.time": ("Time", "时间"),
    "col.officer": ("Officer", "人员"),
    "col.case": ("Case", "案件"),
    "col.why": ("Why", "依据"),
    "col.state": ("State", "状态"),
    "col.what": ("What", "内容"),
    "col.size": ("Size", "大小"),
    "col.receipt": ("Receipt", "回执"),
    "state.on-device": ("on this device", "在本机"),
    "state.sending": ("sending", "发送中"),
    "state.received": ("received", "已收到"),
    "state.confirmed": ("confirmed", "已确认"),
    "state.held": ("waits for an earlier record", "等待前序记录"),
    "state.needs-you": ("needs you", "需要处理"),
    "step.copy": ("sealing", "封存"),
    "step.upload": ("sending", "发送"),
    "step.push": ("records", "记录"),
    "step.receipts": ("receipts", "回执"),
    "error.log-inconsistent": (
        (
            "ALARM: the server's log contradicts what this device was shown before. {detail}"
            " Nothing is deleted on this device any more; keep it and tell the supervising court."
        ),
        (
            "警报:服务器日志与本机此前所见不一致。{detail}"
            "本机从此不再删除任何内容,请保留本机并报告上级法院。"
        ),
    ),
    "error.offline": ("The server cannot be reached: {detail}", "无法连接服务器:{detail}"),
    "error.not-enrolled": (
        (
            "This device is not enrolled ({store}). Ask an administrator or supervisor for a code,"
            " then: `tiezheng enrol CODE --name NAME --server ADDRESS`."
        ),
        (
            "本机尚未登记({store})。请向管理员或督导人员索取登记码,然后执行:"
            "`tiezheng enrol 登记码 --name 名称 --server 地址`。"
        ),
    ),
    "error.no-server": (
        (
            "Say where the server is: --server ADDRESS, or give the whole text of the enrolment QR"
            " in place of the code."
        ),
        "请用 --server 指明服务器地址,或以登记二维码的完整文字代替登记码。",
    ),
    "error.already-enrolled": (
        (
            "The device in {store} is enrolled already: go on with `tiezheng sign-in LOGIN`."
            " Another device needs a folder of its own (--store)."
        ),
        (
            "{store} 中的设备已登记:请执行 `tiezheng sign-in 账号`。"
            "另一台设备请使用另外的文件夹(--store)。"
        ),
    ),
    "error.device-revoked": (
        (
            "This device was revoked: the server takes nothing from it any more. What was"
            " captured is still in {store}; keep that folder and hand it to your supervisor."
            " To go on working, ask for a new code and enrol into another folder (--store)."
        ),
        (
            "本设备已被吊销,服务器不再接收其内容。"
            "已采集的内容仍在 {store},请保留该文件夹并交给督导人员。"
            "如需继续工作,请索取新的登记码,登记到另一个文件夹(--store)。"
        ),
    ),
    "error.not-signed-in": (
        "No officer is signed in: run `tiezheng sign-in` first.",
        "尚未登录,请先执行 `tiezheng sign-in`。",
    ),
    "error.entry-invalid": ("Nothing was recorded: {detail}", "未作记录,字段有误:{detail}"),
    "error.no-case": (
        "Nothing was recorded: say --case, or choose a mission that has one case.",
        "未作记录:请用 --case 指明案件,或选定只含一个案件的任务。",
    ),
    "error.action-unknown": (
        "Nothing was recorded: say which action with --action CODE ({detail}).",
        "未作记录:请用 --action 代码 指明行动({detail})。",
    ),
    "error.action-state": (
        "Nothing was recorded: {detail}",
        "未作记录,该行动不能如此登记:{detail}",
    ),
    "error.store-full": (
        "No space left on this device: the capture is refused. Free space first.",
        "本机空间不足,拒绝采集。请先释放空间。",
    ),
    "error.store-locked": (
        "This store is locked: {detail}",
        "本机存储已加锁:{detail}",
    ),
    "error.store-busy": (
        "Another sync of this store is running.",
        "另一同步正在进行。",
    ),
}


def detect(environment: Mapping[str, str] = os.environ) -> Lang:
    """Language of the locale variables (POSIX: LC_ALL, LC_MESSAGES, LANG)."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = environment.get(name)
        if value:
            return Lang.ZH if value.lower().startswith("zh") else Lang.EN
    return Lang.EN


def text(lang: Lang, key: str, **values: object) -> str:
    """Message `key` in a language."""
    return _TEXTS[key][lang is Lang.ZH].format(**values)


def known(key: str) -> bool:
    """Whether there is such a message."""
    return key in _TEXTS


def keys() -> frozenset[str]:
    """All message keys."""
    return frozenset(_TEXTS)
