"""Words of the OpenAPI document and its page that no route can say for itself; data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Words:
    """A text in both languages."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class About:
    """The document as a whole."""

    title: str
    description: str
    license: Mapping[str, str]
    headers: Mapping[str, str]
    parameters: Mapping[str, Mapping[str, Any]]
    security: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


ABOUT: Final = About(
    title="Tiezheng 铁证",
    description=(
        "Evidence of field enforcement: captured offline, delivered exactly once, receipted.\n\n"
        "JSON in, JSON out. Errors are RFC 9457 problems with a stable `type`. Times are RFC 3339 "
        "with offset. What can be edited has an `ETag` and wants `If-Match`. Lists are followed by "
        '`Link: rel="next"`. A POST may be repeated under the same `Idempotency-Key`. 429 and 503 '
        "carry `Retry-After`. Unknown fields are refused. A foreign court's id is a 404.\n\n"
        "现场执行证据服务：离线采集，恰好送达一次，出具回执。请求与响应均为 JSON；错误为 RFC 9457 "
        "problem，`type` 稳定不变；时间为带时区的 RFC 3339；可编辑对象带 `ETag`，修改须携带 "
        "`If-Match`；列表以 `Link` 翻页；POST 可用同一 `Idempotency-Key` 重发；429 与 503 带 "
        "`Retry-After`；未知字段一律拒绝；其他法院的编号一律为 404。"
    ),
    license=MappingProxyType({"name": "Apache-2.0", "identifier": "Apache-2.0"}),
    headers=MappingProxyType(
        {
            "ETag": "version of what was read; send it back as If-Match",
            "Link": 'address of the next page, rel="next" (RFC 8288)',
            "RetryAfter": "seconds to wait",
        }
    ),
    parameters=MappingProxyType(
        {
            "IfMatch": {
                "name": "If-Match",
                "required": True,
                "description": "the ETag you read; 所读版本的 ETag",
            },
            "IdempotencyKey": {
                "name": "Idempotency-Key",
                "description": "the same key gives the first answer again; 相同的键返回首次的答复",
            },
            "Purpose": {
                "name": "Purpose",
                "description": "why the evidence is looked at, recorded; 查阅目的，将留痕",
            },
        }
    ),
    security=MappingProxyType(
        {
            "DPoP": {
                "type": "http",
                "scheme": "DPoP",
                "description": "access or device token (at+jwt), bound to the device (RFC 9449)",
            },
            "DPoPProof": {
                "type": "apiKey",
                "in": "header",
                "name": "DPoP",
                "description": "proof signed by the device's key over method, address and nonce",
            },
            "UploadToken": {
                "type": "http",
                "scheme": "bearer",
                "description": "short-lived token for declared digests, only for uploads",
            },
        }
    ),
)

TAGS: Final = MappingProxyType(
    {
        "identity": Words("People, devices and tokens.", "人员、设备与令牌。"),
        "duty": Words("Who carries which device when.", "设备领用与交接。"),
        "cases": Words("Cases, parties, missions.", "案件、当事人与外出任务。"),
        "time": Words("The time code for cameras.", "供相机校时的二维码。"),
        "clocks": Words("Clock readings and the time code.", "时钟校准与时间二维码。"),
        "sync": Words("Records, changes and receipts of devices.", "设备记录、变更与回执。"),
        "uploads": Words("Resumable uploads (tus 1.0.0).", "断点续传（tus 1.0.0）。"),
        "evidence": Words("Evidence: list, look, download.", "证据：列表、查看、下载。"),
        "redactions": Words("Redacted copies of evidence.", "证据的遮盖副本。"),
        "register": Words("What is written down about cases and actions.", "案件与行动登记。"),
        "conduct": Words("Checks of conduct and findings.", "行为规范核查与问题。"),
        "standing": Words(
            "Where cases stand: limits, gates, key cases.", "案件状态、期限、结案条件与重点案件。"
        ),
        "fieldlog": Words("Log entries from the field.", "现场日志。"),
        "review": Words("Decisions of supervisors.", "审核与退回。"),
        "live": Words("Live operation and the release desk.", "执行直播与发布台。"),
        "notices": Words("Notices for people, webhooks for other systems.", "通知与 Webhook。"),
        "guests": Words("Invited observers.", "受邀观摩。"),
        "shares": Words("Items lent to people outside.", "对外共享。"),
        "retention": Words(
            "How long evidence is kept, holds, disposal.", "保存期限、保全冻结与销毁。"
        ),
        "oversight": Words(
            "Weekly supervision, alerts, campaigns, dashboard.", "周督办、预警、专项行动与看板。"
        ),
        "disclosure": Words("Exports for a recipient.", "向外提供的数据包。"),
        "audit": Words("The court's log of events, and proofs.", "本院事件日志与证明。"),
        "log": Words("The log as tiles (C2SP tlog-tiles).", "日志的哈希瓦片（C2SP tlog-tiles）。"),
        "ops": Words("Health, metrics, documents.", "健康检查、指标与文档。"),
    }
)

SUMMARIES_ZH: Final[Mapping[str, str]] = MappingProxyType(
    {
        "GET /": "系统说明与链接",
        "GET /docs": "可阅读的接口文档",
        "GET /api/v1/entry-kinds": "可登记的事项、字段与双语名称",
        "POST /api/v1/cases/{case_id}/entries": "登记案件或行动的一项内容",
        "GET /api/v1/cases/{case_id}/entries": "案件的登记，按时间",
        "GET /api/v1/actions": "可见案件中的行动，新的在前",
        "GET /api/v1/actions/{action_id}": "查看一次行动",
        "GET /api/v1/actions/{action_id}/checks": "按当前资料核查一次行动",
        "GET /api/v1/cases/{case_id}/checks": "案件各次行动的核查结果",
        "GET /api/v1/case-states": "可见案件的状态、期限与预警，新的在前",
        "GET /api/v1/cases/{case_id}/state": "案件状态：金额、措施、和解、重点案件与预警",
        "GET /api/v1/cases/{case_id}/clocks": "案件的各项期限，紧迫的在前",
        "GET /api/v1/cases/{case_id}/gates": "试算结案或中止条件，列明尚缺事项",
        "GET /api/v1/findings": "可见案件中的规范问题，新的在前",
        "GET /api/v1/findings/{finding_id}": "查看一个规范问题",
        "POST /api/v1/findings/{finding_id}/explain": "说明规范问题",
        "POST /api/v1/findings/{finding_id}/rectify": "确认问题已整改",
        "POST /api/v1/findings/{finding_id}/uphold": "认定问题成立",
        "GET /api/v1/conduct-rules": "本院适用的行为规范及自订版本",
        "POST /api/v1/conduct-rules": "制定本院自订的规范与数值",
        "GET /healthz": "进程是否存活",
        "GET /readyz": "是否可以接收请求，逐项说明",
        "GET /metrics": "Prometheus 指标",
        "GET /api/v1/openapi.json": "本接口文档（OpenAPI 3.1）",
        "GET /log/checkpoint": "最新的已签名检查点，附见证签名",
        "GET /log/tile/{level}/{number}": "日志树的一块哈希",
        "GET /log/tile/entries/{number}": "日志条目的一束，不含个人信息",
        "GET /api/v1/log/state": "日志状态：长度、检查点、级别与签名进程",
        "GET /api/v1/log/proofs/{log_index}": "某条目在检查点之下的证明（.tlog-proof 文本）",
        "GET /api/v1/log/consistency": "新日志延续旧日志的证明",
        "GET /time-qr": "时间二维码页面，每秒更新，供拍摄",
        "GET /api/v1/time-qr": "当前一秒的签名时间码（文本）",
        "GET /api/v1/time-qr.svg": "当前一秒的签名时间码（二维码图片）",
        "GET /api/v1/devices/{device_id}/clock": "设备时钟校准记录，新的在前",
        "GET /api/v1/server": "服务器信息、时间与签名公钥",
        "POST /api/v1/auth/token": "以口令、设备密钥或刷新令牌换取令牌，须附 DPoP 证明",
        "POST /api/v1/auth/logout": "退出登录",
        "GET /api/v1/me": "当前人员、法院、设备与权限",
        "POST /api/v1/me/password": "修改密码，其他登录随之失效",
        "POST /api/v1/me/totp": "生成动态验证码密钥，确认后生效",
        "POST /api/v1/me/totp/confirm": "以验证码确认启用第二因素",
        "GET /api/v1/users": "列出本院人员",
        "POST /api/v1/users": "新增人员，返回临时密码",
        "GET /api/v1/users/{user_id}": "查看人员",
        "PATCH /api/v1/users/{user_id}": "修改姓名、职务、角色或停用账号",
        "POST /api/v1/users/{user_id}/password-reset": "重置为临时密码，登录随之失效",
        "POST /api/v1/users/{user_id}/totp-reset": "取消第二因素，登录随之失效",
        "POST /api/v1/users/{user_id}/unlock": "解除登录锁定",
        "GET /api/v1/devices": "列出本院设备",
        "POST /api/v1/devices": "登记没有密钥的相机或录音设备",
        "GET /api/v1/devices/{device_id}": "查看设备",
        "POST /api/v1/devices/{device_id}/revoke": "吊销设备，立即生效",
        "POST /api/v1/devices/enrol": "以一次性注册码绑定设备密钥",
        "POST /api/v1/enrolment-codes": "签发一次性注册码及二维码内容",
        "GET /api/v1/duty-bookings": "列出领用登记",
        "POST /api/v1/duty-bookings": "登记设备领用，同一时间只有一名领用人",
        "POST /api/v1/duty-bookings/{booking_id}/hand-over": "交接设备",
        "POST /api/v1/upload-grants": "为已申报的文件签发仅供上传的令牌",
        "GET /api/v1/cases": "列出可见的案件，新案在前",
        "POST /api/v1/cases": "按案号登记案件",
        "GET /api/v1/cases/{case_id}": "查看案件",
        "PATCH /api/v1/cases/{case_id}": "修改案件",
        "POST /api/v1/cases/{case_id}/assignments": "为案件增派人员",
        "DELETE /api/v1/cases/{case_id}/assignments/{officer_id}": "取消人员指派",
        "POST /api/v1/cases/{case_id}/parties": "增加当事人",
        "PATCH /api/v1/cases/{case_id}/parties/{party_id}": "修改当事人",
        "DELETE /api/v1/cases/{case_id}/parties/{party_id}": "移除当事人",
        "GET /api/v1/missions": "列出可见的外出任务",
        "POST /api/v1/missions": "安排外出任务：案件、地点、时间、人员与设备",
        "GET /api/v1/missions/{mission_id}": "查看外出任务",
        "PATCH /api/v1/missions/{mission_id}": "修改任务；参加人员可开始和结束任务",
        "POST /api/v1/evidence/{evidence_id}/review": "采纳、退回、询问或批注",
        "GET /api/v1/evidence/{evidence_id}/review": "列出审核记录",
        "GET /api/v1/cases/{case_id}/log": "案件的现场日志，按时间排列",
        "GET /api/v1/cases/{case_id}/evidence": "列出案件的证据；查阅留痕",
        "GET /api/v1/evidence/{evidence_id}/play": "供浏览器查看的画面或声音；查看留痕",
        "POST /api/v1/evidence/{evidence_id}/redactions": "申请证据的遮盖副本，原件不动",
        "GET /api/v1/evidence/{evidence_id}/redactions": "列出遮盖副本，新的在前",
        "GET /api/v1/redactions/{redaction_id}": "一份遮盖副本的要求与结果",
        "GET /api/v1/redactions/{redaction_id}/content": "遮盖副本的内容；查看留痕",
        "POST /api/v1/redactions/{redaction_id}/retry": "重试失败的遮盖副本",
        "POST /api/v1/redactions/{redaction_id}/discard": "说明理由弃用遮盖副本",
        "POST /api/v1/evidence/{evidence_id}/face-suggestions": "请求人脸位置建议，由人逐一确认",
        "GET /api/v1/evidence/{evidence_id}": "查看一件证据及其元数据；查阅留痕",
        "GET /api/v1/evidence/{evidence_id}/content": "下载原件，可分段；须说明目的，下载留痕",
        "GET /api/v1/evidence/{evidence_id}/custody": "一件证据的保管链",
        "GET /api/v1/events": "本院日志的条目，附原始签名文本",
        "GET /api/v1/evidence/{evidence_id}/derivatives/{name}": "缩略图、封面或波形；查阅留痕",
        "POST /api/v1/evidence/{evidence_id}/rebind": "更正证据所属案件、任务或人员，须说明理由",
        "GET /api/v1/oversight/dashboard": "本院执行数据看板，不含人员排名",
        "GET /api/v1/oversight/rules": "本院现行督办阈值及历次版本",
        "POST /api/v1/oversight/rules": "制定督办阈值：多久无进展预警、多久须说明",
        "GET /api/v1/oversight/agenda": "某周督办会议程，由数据自动生成；干警只见自己的部分",
        "GET /api/v1/oversight/meetings": "列出周督办会，新的在前",
        "POST /api/v1/oversight/meetings": "召集某周的督办会",
        "GET /api/v1/oversight/meetings/{meeting_id}": "查看督办会；纪要仅领导与到会人员可见",
        "POST /api/v1/oversight/meetings/{meeting_id}/hold": "会议已召开：固定议程与到会人员",
        "POST /api/v1/oversight/meetings/{meeting_id}/minutes": "形成会议纪要",
        "POST /api/v1/oversight/plans": "填报一周进展与计划；原填报保留",
        "POST /api/v1/oversight/inspections": "通报一周工作的检查情况",
        "GET /api/v1/oversight/tasks": "列出督办任务，新的在前",
        "POST /api/v1/oversight/tasks": "交办督办任务并限定完成日期",
        "GET /api/v1/oversight/tasks/{task_id}": "查看督办任务",
        "POST /api/v1/oversight/tasks/{task_id}/done": "报告任务完成及结果",
        "GET /api/v1/oversight/alerts": "列出消极执行与逾期预警，新的在前",
        "GET /api/v1/oversight/alerts/{alert_id}": "查看预警",
        "POST /api/v1/oversight/alerts/{alert_id}/explain": "责任人说明预警原因",
        "POST /api/v1/oversight/alerts/{alert_id}/clear": "由他人接受说明并解除预警",
        "POST /api/v1/oversight/alerts/{alert_id}/escalate": "将预警提请院长",
        "GET /api/v1/oversight/campaigns": "列出专项行动，新的在前",
        "POST /api/v1/oversight/campaigns": "筹划专项行动",
        "GET /api/v1/oversight/campaigns/{campaign_id}": "查看专项行动及可见范围内的统计",
        "POST /api/v1/oversight/campaigns/{campaign_id}/items": "将案件与行动列入专项行动",
        "POST /api/v1/oversight/campaigns/{campaign_id}/start": "启动专项行动",
        "POST /api/v1/oversight/campaigns/{campaign_id}/close": "结束专项行动并写明成效",
        "GET /api/v1/retention/rules": "本院现行保存期限规则及历次版本",
        "POST /api/v1/retention/rules": "制定保存期限规则，须说明理由，不少于六个月",
        "GET /api/v1/retention/effects": "预览规则的影响，不作更改",
        "GET /api/v1/retention/evidence/{evidence_id}": "一件证据保存至何时、依据与冻结情况",
        "POST /api/v1/retention/classes": "由人员归类证据，须说明理由；原归类保留",
        "GET /api/v1/retention/holds": "列出保全冻结，新的在前",
        "POST /api/v1/retention/holds": "冻结一案或一件证据，须说明理由",
        "POST /api/v1/retention/holds/{hold_id}/lift": "由另一人解除冻结，须说明理由",
        "GET /api/v1/retention/due": "列出保存期满且未冻结的证据",
        "POST /api/v1/retention/disposals": "提请销毁，逐件处理，由另一人决定",
        "POST /api/v1/retention/disposals/approve": "由另一人同意销毁，逐件复核后执行",
        "POST /api/v1/retention/disposals/refuse": "由另一人不同意销毁，逐件处理",
        "POST /api/v1/evidence/{evidence_id}/erasures": "申请依法删除一件证据的记录与字节",
        "GET /api/v1/erasures": "列出本院的删除申请与决定",
        "POST /api/v1/erasures/{erasure_id}/approve": "由另一人批准删除并执行",
        "POST /api/v1/erasures/{erasure_id}/refuse": "由另一人驳回删除申请",
        "POST /api/v1/bundles": "录入一个已上传的离线数据包，视同由其设备提交",
        "GET /api/v1/bundles/{sha256}/receipts": "取回该数据包各记录的回执，供离线带回",
        "POST /api/v1/exports": "申请导出一案或若干件，须说明目的与接收方",
        "GET /api/v1/exports/{export_id}": "导出进度与结果",
        "GET /api/v1/exports/{export_id}/content": "下载导出的数据包，可分段；下载留痕",
        "GET /api/v1/cases/{case_id}/exports": "列出一案的导出，新的在前",
        "GET /api/v1/notices": "列出本人的通知，新的在前",
        "GET /api/v1/notices/unread": "本人未读通知数，按类别",
        "POST /api/v1/notices/read": "标记通知为已读：指定的或全部",
        "GET /api/v1/notices/preferences": "本人的通知设置",
        "PUT /api/v1/notices/preferences": "修改本人的通知设置",
        "GET /api/v1/webhooks": "列出本院的 Webhook，新的在前",
        "POST /api/v1/webhooks": "新建 Webhook；密钥仅在此答复中给出",
        "GET /api/v1/webhooks/{webhook_id}": "查看一个 Webhook",
        "PATCH /api/v1/webhooks/{webhook_id}": "修改、暂停、恢复或终止 Webhook",
        "POST /api/v1/webhooks/{webhook_id}/rotate": "更换密钥；旧密钥一天内同时签名",
        "POST /api/v1/webhooks/{webhook_id}/test": "发送一条空的试验消息",
        "GET /api/v1/webhooks/{webhook_id}/deliveries": "列出投递及每次尝试，新的在前",
        "POST /api/v1/webhook-deliveries/{delivery_id}/send-again": "以原编号再次投递",
        "GET /api/v1/retention/due-lines": "列出保管期满、没有文件的现场日志",
        "POST /api/v1/retention/line-disposals": "提议处置现场日志，逐条，由另一人决定",
        "POST /api/v1/retention/line-disposals/approve": "同意他人对现场日志的处置提议并删除",
        "POST /api/v1/retention/line-disposals/refuse": "驳回他人对现场日志的处置提议",
        "POST /api/v1/invitations": "邀请观摩；链接与验证码仅在此答复中给出",
        "GET /api/v1/invitations": "列出邀请，新的在前",
        "GET /api/v1/invitations/{invitation_id}": "查看一个邀请及到场记录",
        "POST /api/v1/invitations/{invitation_id}/revoke": "撤回邀请，正在观看的两秒内中断",
        "POST /api/v1/invitations/{invitation_id}/mission": "为提前发出的邀请指定任务，仅一次",
        "GET /api/v1/devices/{device_id}/loss": "查看可能遗失的设备：未知区间、存疑证据、登录人员",
        "POST /api/v1/devices/{device_id}/loss": "报告设备遗失：吊销并将其后收到的标为存疑",
        "POST /api/v1/shares": "将一案的若干件共享给外部人员；链接与验证码仅在此答复中给出",
        "GET /api/v1/shares": "列出对外共享，新的在前",
        "GET /api/v1/shares/{share_id}": "查看一个对外共享及其打开记录",
        "POST /api/v1/shares/{share_id}/revoke": "撤销对外共享，立即生效",
        "POST /api/v1/shares/{share_id}/code": "更换共享的六位验证码",
        "GET /api/v1/missing-items": "缺件看板：有记录无文件、有文件无记录、被隔离",
        "POST /api/v1/blobs/missing": "询问哪些文件尚未传完",
        "POST /api/v1/dock/matches": "为读卡文件按值勤登记建议执行员、任务与案件，不留存",
        "POST /api/v1/clock": "对时；签名的应答写入时钟记录",
        "GET /api/v1/receipts": "领取已签名的回执",
        "GET /api/v1/devices/{device_id}/chain": "设备记录链：区段、缺口、密钥与见证",
        "GET /api/v1/sync/held": "列出等待前一条的记录",
        "POST /api/v1/sync/held/{device_id}/{ep}/{seq}/release": "放行等待中的记录",
        "GET /api/v1/sync/pull": "拉取设备与人员的变更；无游标则为快照",
        "POST /api/v1/sync/push": "推送已签名的记录，逐条答复，可重复",
        "POST /api/v1/tickets": "出发前领取任务凭证",
        "OPTIONS /api/v1/uploads": "tus 版本、扩展与上限",
        "POST /api/v1/uploads": "新建上传，可附首段内容",
        "OPTIONS /api/v1/uploads/{upload_id}": "tus 版本、扩展与上限",
        "HEAD /api/v1/uploads/{upload_id}": "已落盘的偏移量",
        "PATCH /api/v1/uploads/{upload_id}": "续传",
        "DELETE /api/v1/uploads/{upload_id}": "放弃未完成的上传",
        "POST /api/v1/uploads/{upload_id}": "只能发 POST 的客户端：按 X-HTTP-Method-Override 执行",
        "GET /api/v1/review-queue": "按任意条件列出待审证据",
        "POST /api/v1/review-queue/preview": "预览批量审核：会改变哪些、跳过哪些及原因",
        "POST /api/v1/review-queue/decide": "批量审核，逐项留痕",
        "POST /api/v1/evidence/{evidence_id}/review/undo": "撤回审核决定（留痕的更正）",
        "POST /api/v1/evidence/{evidence_id}/markers": "在证据上加标记",
        "GET /api/v1/evidence/{evidence_id}/markers": "证据的标记",
        "GET /api/v1/review-reasons": "退回理由代码表",
        "GET /api/v1/live/missions": "列出进行中与近期的任务及待处理数量",
        "GET /api/v1/live/missions/{mission_id}/entries": "列出任务现场条目的变化",
        "GET /api/v1/live/missions/{mission_id}/observed": "受邀观察员此刻所见",
        "GET /api/v1/live/missions/{mission_id}/stream": "现场条目实时推送（SSE）",
        "POST /api/v1/live/entries/{entry_id}/decision": "暂缓、脱敏、发布或撤回条目",
        "GET /api/v1/live/rules": "本院发布规则",
        "GET /api/v1/live/rules/history": "发布规则的历次版本",
        "PUT /api/v1/live/rules": "启用新的发布规则",
    }
)
