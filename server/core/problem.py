"""Errors that clients see: RFC 9457 problems with a stable type, all listed here.

A problem is raised as :class:`Problem` anywhere below a route; the endpoint turns it into
``application/problem+json``.  Its ``type`` is ``urn:tiezheng:problem:<slug>`` and never changes
meaning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

URN = "urn:tiezheng:problem:"


@dataclass(frozen=True, slots=True)
class _Kind:
    status: int
    title: str
    title_zh: str
    retry_after_seconds: int | None = None


class Kind(Enum):
    """Every problem this server reports; the member's name gives the slug."""

    # requests that cannot be read
    MALFORMED_JSON = _Kind(400, "The body is not valid JSON", "请求正文不是有效的 JSON")
    MALFORMED_REQUEST = _Kind(400, "The request cannot be understood", "无法理解该请求")
    VALIDATION = _Kind(422, "Some fields are not acceptable", "部分字段不符合要求")
    BODY_TOO_LARGE = _Kind(413, "The body is larger than allowed here", "请求正文超过上限")
    UNSUPPORTED_MEDIA_TYPE = _Kind(415, "This content type is not accepted", "不支持的内容类型")
    METHOD_NOT_ALLOWED = _Kind(405, "This method is not offered here", "不支持的请求方法")
    # who is speaking
    UNAUTHENTICATED = _Kind(401, "Sign in first", "请先登录")
    USE_DPOP_NONCE = _Kind(401, "Sign the request with the current nonce", "请使用当前随机数签名")
    PROOF_INVALID = _Kind(401, "The proof of the device key is not valid", "设备密钥证明无效")
    PROOF_REPLAYED = _Kind(401, "This proof was used before", "该证明已被使用")
    TOKEN_INVALID = _Kind(401, "The token is not valid", "令牌无效")
    TOKEN_EXPIRED = _Kind(401, "The token has expired", "令牌已过期")
    TOKEN_WRONG_TYPE = _Kind(401, "A token of another kind is needed", "令牌类型不符")
    CREDENTIALS_INVALID = _Kind(401, "Login, password or code is wrong", "账号、密码或验证码错误")
    TOTP_REQUIRED = _Kind(401, "A one-time code is needed as well", "还需要动态验证码")
    DEVICE_REVOKED = _Kind(401, "This device has been revoked", "该设备已被吊销")
    SESSION_REVOKED = _Kind(401, "This sign-in has ended", "登录已失效")
    ACCOUNT_LOCKED = _Kind(
        403, "The account is locked after failed attempts", "账号因多次失败被锁定"
    )
    PASSWORD_CHANGE_REQUIRED = _Kind(403, "Choose a new password first", "请先修改密码")
    ENROLMENT_CODE_INVALID = _Kind(
        403, "The code is wrong, used or expired", "注册码错误、已使用或过期"
    )
    FORBIDDEN = _Kind(403, "You may not do this", "无权执行此操作")
    FOREIGN_ORIGIN = _Kind(403, "The request comes from another site", "请求来自其他网站")
    # what is spoken of
    NOT_FOUND = _Kind(404, "There is no such thing here", "未找到")
    CONFLICT = _Kind(409, "This contradicts what is already there", "与现有内容冲突")
    GONE = _Kind(410, "This is no longer here", "该内容已不存在")
    CURSOR_EXPIRED = _Kind(
        410, "The cursor is too old; start with a snapshot", "游标过旧，请重新获取快照"
    )
    CURSOR_INVALID = _Kind(400, "The cursor was not issued by this server", "游标无效")
    PRECONDITION_FAILED = _Kind(412, "It has changed since you read it", "内容已被更改，请重新读取")
    PRECONDITION_REQUIRED = _Kind(
        428, "Send If-Match with the version you read", "请携带 If-Match 版本"
    )
    IDEMPOTENCY_KEY_REUSED = _Kind(
        422, "This Idempotency-Key was used for another request", "幂等键已用于其他请求"
    )
    LISTING_REFUSED = _Kind(409, "This person is never listed", "依法不得纳入失信名单")
    GATE_CLOSED = _Kind(409, "What has to be there is missing", "条件不具备，尚缺下列事项")
    CASE_NO_INVALID = _Kind(422, "The case number is not well-formed", "案号格式不正确")
    # uploads
    TUS_VERSION = _Kind(412, "tus 1.0.0 is spoken here", "仅支持 tus 1.0.0")
    OFFSET_CONFLICT = _Kind(
        409, "The offset is not where the upload stands", "偏移量与服务器不一致"
    )
    UPLOAD_BUSY = _Kind(
        423, "The upload is being written by another request", "上传正被其他请求写入", 1
    )
    UPLOAD_STALLED = _Kind(
        408, "No bytes came for too long; resume the upload", "长时间未收到数据，请续传"
    )
    UPLOAD_GONE = _Kind(
        410, "The upload was ended, has expired or is quarantined", "上传已终止、过期或被隔离"
    )
    UPLOAD_TOO_LARGE = _Kind(413, "The upload is larger than allowed", "上传超过大小上限")
    LENGTH_EXCEEDED = _Kind(413, "More bytes came than were declared", "收到的字节超过声明长度")
    LENGTH_REQUIRED = _Kind(400, "Declare Upload-Length or Upload-Defer-Length", "请声明上传长度")
    UPLOAD_METADATA_INVALID = _Kind(
        400, "Upload-Metadata is not well-formed", "上传元数据格式不正确"
    )
    DIGEST_REQUIRED = _Kind(400, "Declare sha256 in Upload-Metadata", "请在上传元数据中声明 sha256")
    DIGEST_NOT_DECLARED = _Kind(403, "The token does not cover these bytes", "令牌未涵盖该文件")
    DIGEST_MISMATCH = _Kind(
        460, "The bytes do not have the declared SHA-256", "文件与声明的摘要不符"
    )
    CHECKSUM_MISMATCH = _Kind(
        460, "The chunk does not have the declared checksum", "分块校验和不符"
    )
    CHECKSUM_UNSUPPORTED = _Kind(
        400, "sha1 and sha256 are the checksums known here", "不支持的校验算法"
    )
    CONCAT_INVALID = _Kind(400, "The partial uploads cannot be joined", "分段上传无法合并")
    QUOTA_EXCEEDED = _Kind(507, "The device's quota is used up", "设备配额已用尽")
    NO_SPACE = _Kind(507, "The server's disk is full", "服务器磁盘已满", 600)
    # records
    RECORD_MALFORMED = _Kind(422, "The record is not well-formed", "记录格式不正确")
    RECORD_NOT_CANONICAL = _Kind(422, "The record is not canonical JSON", "记录不是规范化 JSON")
    RECORD_COMMITMENT = _Kind(
        422, "Header and payload do not belong together", "记录头与内容不一致"
    )
    RECORD_SIGNATURE = _Kind(422, "The record's signature is not valid", "记录签名无效")
    RECORD_KEY = _Kind(
        422, "The record certifies a key that may not follow", "记录所认证的后继密钥不可用"
    )
    RECORD_FOREIGN_DEVICE = _Kind(
        422, "The record is signed for another device", "记录属于其他设备"
    )
    RECORD_EPOCH = _Kind(
        422, "The record's enrolment generation is not known", "记录的注册代次未知"
    )
    RECORD_SAME_SEQ = _Kind(409, "Another record has this sequence number", "该序号已有其他记录")
    BUNDLE_INVALID = _Kind(422, "The file is no acceptable bundle", "文件不是可接受的数据包")
    RECORD_CHAIN_BREAK = _Kind(409, "The record does not continue the chain", "记录与前一条不衔接")
    RECORD_TOO_LARGE = _Kind(413, "The record is larger than allowed", "记录超过大小上限")
    TOO_MANY_RECORDS = _Kind(413, "More records than allowed in one request", "单次记录数超过上限")
    # content
    CONTENT_MISSING = _Kind(409, "The bytes have not arrived", "文件内容尚未到达")
    RANGE_NOT_SATISFIABLE = _Kind(416, "The range lies outside the bytes", "请求范围超出内容")
    PURPOSE_REQUIRED = _Kind(400, "State the purpose of the access", "请说明查阅目的")
    # the server itself
    TOO_MANY_REQUESTS = _Kind(429, "Too many requests", "请求过于频繁", 5)
    BUSY = _Kind(503, "The server is busy", "服务器繁忙", 2)
    UNAVAILABLE = _Kind(503, "A part of the server does not answer", "服务暂不可用", 10)
    AUDIT_UNAVAILABLE = _Kind(503, "The audit trail cannot be written", "审计记录暂不可写", 10)
    LOG_DAMAGED = _Kind(503, "The stored log does not prove the entry", "日志受损，无法证明", 60)
    INTERNAL = _Kind(500, "The server made a mistake", "服务器内部错误")

    @property
    def slug(self) -> str:
        """Last part of the type."""
        return self.name.lower().replace("_", "-")


class Problem(Exception):
    """A refusal with its reason.

    :param kind: which of the listed problems.
    :param detail: what is wrong in this case and what to do next; no secrets.
    :param keep: commit what the transaction did so far (a failed sign-in is counted).
    :param headers: extra response headers.
    :param extra: extension members of the problem object.
    """

    def __init__(
        self,
        kind: Kind,
        detail: str | None = None,
        *,
        keep: bool = False,
        headers: Mapping[str, str] | None = None,
        **extra: object,
    ) -> None:
        super().__init__(f"{kind.slug}: {detail or kind.value.title}")
        self.kind = kind
        self.detail = detail
        self.keep = keep
        self.extra = extra
        self.headers = dict(headers or {})
        if kind.value.retry_after_seconds is not None:
            self.headers.setdefault("Retry-After", str(kind.value.retry_after_seconds))

    @property
    def status(self) -> int:
        """HTTP status."""
        return self.kind.value.status

    def body(self, instance: str | None = None) -> dict[str, object]:
        """The problem object of RFC 9457 §3."""
        described: dict[str, object] = {
            "type": URN + self.kind.slug,
            "title": self.kind.value.title,
            "title_zh": self.kind.value.title_zh,
            "status": self.status,
        }
        if self.detail:
            described["detail"] = self.detail
        if instance:
            described["instance"] = instance
        return {**self.extra, **described}


def invalid(errors: Mapping[str, Any]) -> Problem:
    """Fields that are not acceptable; the first reason of each stands in the detail as well."""
    return Problem(Kind.VALIDATION, "; ".join(_reasons(errors))[:500], errors=dict(errors))


def _reasons(errors: Mapping[str, Any]) -> Iterator[str]:
    for name, reason in errors.items():
        if isinstance(reason, Mapping):
            yield from (f"{name}.{inner}" for inner in _reasons(reason))
        else:
            yield f"{name}: {reason[0] if isinstance(reason, list) and reason else reason}"


def not_found(what: str | None = None) -> Problem:
    """Absent and not visible are the same answer."""
    return Problem(Kind.NOT_FOUND, what)
