"""The custody report: facts in, PDF out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Final

from server.disclosure.facts import (
    Checkpoint,
    Device,
    Finding,
    Item,
    Moment,
    Note,
    Person,
    Place,
    Report,
    Source,
    Step,
)
from server.disclosure.report import words
from server.disclosure.report.fonts import FontStack
from server.disclosure.report.layout import BODY_PT, SMALL_PT, Pages, Running

TITLE: Final = "电子证据保管报告"
TITLE_EN: Final = "Custody Report of Digital Evidence"
_CHINA: Final = timezone(timedelta(hours=8))
_ROOT_DIGITS: Final = 16


def custody_pdf(report: Report, fonts: FontStack) -> bytes:
    """The report on A4; the same facts and fonts give the same bytes."""
    pages = Pages(fonts, _running(report), report.requested_at)
    names = _Names(report, fonts)
    pages.title(f"{report.court_name}\n{TITLE}\n{TITLE_EN}")
    pages.paragraph(words.INTRODUCTION)
    _summary(pages, report, names)
    _checkpoint(pages, report.checkpoint)
    _items(pages, report, names)
    _notes(pages, report.notes, names)
    _steps(pages, "四、案件事项 Events of the case", report.steps, names)
    _gaps(pages, report, names)
    _devices(pages, report, names)
    _keys(pages, report)
    pages.heading("八、验证方法 How to verify")
    pages.paragraph(words.VERIFY)
    return pages.finish()


class _Names:
    """People and devices by their names; rare characters get their code point beside them."""

    def __init__(self, report: Report, fonts: FontStack) -> None:
        self._fonts = fonts
        self._devices = {device.id: device for device in report.devices}

    def person(self, person: Person | None) -> str:
        if person is None:
            return words.NOT_RECORDED
        return f"{self._fonts.name(person.name)}（{person.post}）"

    def people(self, people: Iterable[Person]) -> str:
        return "、".join(map(self.person, people)) or words.NOT_RECORDED

    def text(self, text: str | None) -> str:
        """A text that may name people."""
        return words.NOT_RECORDED if text is None else self._fonts.name(text)

    def device(self, device_id: object) -> str:
        found = self._devices.get(device_id)  # type: ignore[call-overload]
        return str(device_id) if found is None else f"{found.name}（{found.serial or found.id}）"


def _running(report: Report) -> Running:
    point = report.checkpoint
    cited = (
        "检查点 checkpoint: —"
        if point is None
        else f"检查点 checkpoint {point.size} · {point.root[:_ROOT_DIGITS]}"
    )
    return Running(
        f"{TITLE} {report.case.case_no}",
        f"{report.case.case_no}    {cited}",
        f"{report.code} · {report.chain_head[:_ROOT_DIGITS] if report.chain_head else '—'}",
    )


def _summary(pages: Pages, report: Report, names: _Names) -> None:
    scope = {
        "case": "全案 the whole case",
        "selection": f"选定 {len(report.items)} 件 a selection of items",
    }
    pages.heading("一、案件与导出 Case and export")
    case = report.case
    pages.pairs(
        [
            ("案号 Case", case.case_no),
            ("案件编号 Case id", str(case.id)),
            ("案由 Cause", case.cause or words.NOT_RECORDED),
            ("状态 Status", case.status),
            ("承办人 Handler", names.person(case.handler)),
            (
                "当事人 Parties",
                "\n".join(f"{role}：{names.text(name)}" for role, name in case.parties) or "—",
            ),
            ("导出编号 Export", f"{report.code}  {report.export_id}"),
            ("范围 Scope", scope.get(report.scope, report.scope)),
            ("目的 Purpose", report.purpose),
            ("接收方 Recipient", names.text(report.recipient)),
            ("申请人 Requested by", names.person(report.requested_by)),
            ("申请时间 Requested at", _time(report.requested_at)),
            ("日志截至 Log up to", str(report.upto)),
            ("案件链长 Chain length", str(report.chain_length)),
            ("案件链首 Chain head", report.chain_head or "—"),
        ]
    )


def _checkpoint(pages: Pages, point: Checkpoint | None) -> None:
    pages.heading("二、日志检查点 Checkpoint of the log")
    if point is None:
        pages.paragraph("导出前日志尚未签名 The log was not signed before this export.", BODY_PT)
        return
    witnessed = [f"{one.name}  {_time(one.at)}" for one in point.cosignatures]
    stamped = [f"{one.authority}  {_time(one.at)}" for one in point.tokens]
    pages.pairs(
        [
            ("日志 Origin", point.origin),
            ("条目数 Size", str(point.size)),
            ("根 Root", point.root),
            ("等级 Level", words.LEVELS.get(point.level, point.level)),
            ("签名时间 Signed at", _time(point.signed_at)),
            ("见证 Cosignatures", "\n".join(witnessed) or "无 none"),
            ("可信时间 Time tokens", "\n".join(stamped) or "无 none"),
        ]
    )


def _items(pages: Pages, report: Report, names: _Names) -> None:
    pages.heading(f"三、证据 Evidence（{len(report.items)}）")
    for number, item in enumerate(report.items, 1):
        pages.subheading(f"{number}. {item.name.decode('utf-8', 'replace')}")
        pages.pairs([*_item_rows(item, names), *_when_where(item.moment, item.place)])
        if item.findings:
            pages.grid(("发现 Finding", "说明 Detail"), _finding_rows(item.findings), (50.0, 106.0))
        if item.derivatives:
            rows = [(one.name, one.mime, str(one.size_bytes), one.sha256)
                    for one in item.derivatives]  # fmt: skip
            pages.grid(
                ("衍生件 Derivative", "类型 Type", "字节 Bytes", "SHA-256"),
                rows, (36.0, 30.0, 22.0, 68.0), SMALL_PT,
            )  # fmt: skip
        _step_grid(pages, item.custody, names)


def _item_rows(item: Item, names: _Names) -> list[tuple[str, str]]:
    absent = words.ABSENT.get(item.absent, item.absent) if item.absent else "在包内 in the package"
    return [
        ("编号 Item id", "—" if item.id is None else str(item.id)),
        ("类型 Type", f"{words.MEDIA.get(item.media, item.media)}  {item.mime}"),
        ("字节数 Bytes", str(item.size_bytes)),
        ("SHA-256", item.sha256),
        ("SM3", words.NOT_RECORDED),
        ("原件 Original", str(absent)),
        ("原文件名 Name", names.text(item.name.decode("utf-8", "replace"))),
        ("文件名字节 Name bytes", item.name.hex() or "—"),
        *_source_rows(item.source, names),
        ("采集设备 Captured by", names.device(item.captured_by)),
        ("采集人员 Officers", names.people(item.officers)),
        ("人员依据 Basis", item.officer_source),
        ("持有人 Holder", names.text(item.holder)),
        ("见证人 Witness", names.text(item.witness)),
        ("封存 Seal", names.text(item.seal)),
        ("方法工具 Method", names.text(item.method)),
    ]


def _source_rows(source: Source, names: _Names) -> list[tuple[str, str]]:
    return [
        ("记录 Record", f"{names.device(source.device_id)}  {source.ep}/{source.seq}"),
        ("记录标识 Header id", source.hid),
        ("日志序号 Log index", str(source.log_index)),
        ("接收时间 Received", source.rx),
    ]


def _when_where(moment: Moment, place: Place) -> list[tuple[str, str]]:
    error = "未知 unknown" if moment.error_ms is None else f"± {moment.error_ms} ms"
    if place.lat is None:
        where = f"无 none：{place.reason or words.NOT_RECORDED}"
    else:
        accuracy = f"± {place.accuracy_m} m" if place.accuracy_m else "精度未记录 accuracy unknown"
        where = f"{place.lat}, {place.lon}  {place.datum}  {place.source}  {accuracy}"
    return [
        ("设备时间 Wall clock", moment.wall),
        ("校正时间 Corrected", f"{_time(moment.at)}  {error}"),
        ("时钟等级 Clock class", words.CLOCKS.get(moment.clock_class, moment.clock_class)),
        ("地点 Place", where),
    ]


def _notes(pages: Pages, notes: Sequence[Note], names: _Names) -> None:
    if not notes:
        return
    pages.heading(f"附：现场日志 Field log（{len(notes)}）")
    for note in notes:
        pages.subheading(f"{words.event(note.act)}  {note.source.log_index}")
        pages.pairs(
            [
                ("内容 Text", names.text(note.text)),
                ("人员 Officer", names.person(note.officer)),
                *_source_rows(note.source, names),
                *_when_where(note.moment, note.place),
            ]
        )


def _steps(pages: Pages, title: str, steps: Sequence[Step], names: _Names) -> None:
    pages.heading(title)
    if not steps:
        pages.paragraph("无 none")
    _step_grid(pages, steps, names)


def _step_grid(pages: Pages, steps: Sequence[Step], names: _Names) -> None:
    if not steps:
        return
    rows = [
        (str(step.log_index), step.at, words.event(step.kind), _who(step, names), _why(step, names))
        for step in steps
    ]
    head = ("序号 Index", "时间 Time", "事项 Event", "人员设备 By", "对象与目的 To, purpose")
    pages.grid(head, rows, (15.0, 28.0, 31.0, 38.0, 44.0), SMALL_PT)


def _who(step: Step, names: _Names) -> str:
    device = "" if step.by_device is None else names.device(step.by_device)
    person = "系统 system" if step.by is None and not device else names.text(step.by or "")
    return "\n".join(part for part in (person, device) if part)


def _why(step: Step, names: _Names) -> str:
    parts = [
        f"{label}{names.text(value)}"
        for label, value in (("→ ", step.to), ("目的 ", step.purpose), ("", step.detail))
        if value
    ]
    return "\n".join(parts)


def _gaps(pages: Pages, report: Report, names: _Names) -> None:
    pages.heading("五、缺口与未披露 Gaps and what is withheld")
    rows = [
        (
            names.device(one.device_id), f"{one.ep}: {one.first}–{one.last}",
            f"{one.disclosed} + {one.stubs}", _numbers(one.missing) or "无 none",
            one.head,
        )
        for one in report.sources
    ]  # fmt: skip
    pages.grid(
        ("设备 Device", "区间 Range", "披露+仅头 Full + stubs", "缺失 Missing", "链首 Head"),
        rows, (36.0, 24.0, 24.0, 22.0, 50.0), SMALL_PT,
    )  # fmt: skip
    if report.withheld:
        held = [(str(one.log_index), one.source, one.reason) for one in report.withheld]
        pages.subheading("本案未披露内容的条目 Entries of this case given without payload")
        pages.grid(("序号 Index", "来源 Source", "原因 Reason"), held, (24.0, 80.0, 52.0), SMALL_PT)
    open_ended = [
        (str(item.source.log_index), item.sha256[:_ROOT_DIGITS], item.unattested or "")
        for item in report.items
        if item.unattested
    ]
    if open_ended:
        pages.subheading("无外部佐证的时段 Unattested windows")
        pages.grid(
            ("序号 Index", "SHA-256", "时段 Window"), open_ended, (24.0, 44.0, 88.0), SMALL_PT
        )
    if report.findings:
        pages.subheading("其他发现 Other findings")
        pages.grid(("发现 Finding", "说明 Detail"), _finding_rows(report.findings), (50.0, 106.0))


def _numbers(spans: Iterable[tuple[int, int]]) -> str:
    return "、".join(str(a) if a == b else f"{a}–{b}" for a, b in spans)


def _devices(pages: Pages, report: Report, names: _Names) -> None:
    pages.heading(f"六、设备 Devices（{len(report.devices)}）")
    for device in report.devices:
        pages.subheading(device.name)
        pages.pairs(_device_rows(device, names))


def _device_rows(device: Device, names: _Names) -> list[tuple[str, str]]:
    revoked = "否 no"
    if device.revoked_at is not None:
        revoked = f"{_time(device.revoked_at)}  {device.revoked_reason or ''}"
    key = "无密钥 no key" if device.key is None else f"{device.alg}  {device.key}"
    return [
        ("编号 Id", str(device.id)),
        ("种类型号 Kind", f"{device.kind}  {device.model or words.NOT_RECORDED}"),
        ("序列号 Serial", names.text(device.serial)),
        ("密钥 Key", key),
        ("密钥证明 Attestation", names.text(device.attestation)),
        ("软件版本 App build", names.text(device.app)),
        ("注册时间 Enrolled", _time(device.enrolled_at)),
        ("吊销 Revoked", revoked),
    ]


def _keys(pages: Pages, report: Report) -> None:
    pages.heading("七、密钥事项 Key events")
    rows = [
        (str(one.log_index), one.at, words.event(one.kind), f"{one.subject}\n{one.detail}")
        for one in report.keys
    ]
    if not rows:
        pages.paragraph("无 none")
        return
    head = ("序号 Index", "时间 Time", "事项 Event", "密钥 Key")
    pages.grid(head, rows, (15.0, 30.0, 36.0, 75.0), SMALL_PT)


def _finding_rows(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    return [(one.code, one.detail) for one in findings]


def _time(at: datetime) -> str:
    return at.astimezone(_CHINA).isoformat(sep=" ", timespec="milliseconds")
