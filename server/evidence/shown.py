"""What of an item a browser can show: the original where it can play it, else what was made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.orm import Session

from server.evidence.derivative_names import VIEW, WEB
from server.evidence.models import Derivative, Evidence, Examination

_PICTURES: Final = frozenset({"image/jpeg", "image/png", "image/webp", "image/avif", "image/gif"})
# Container → codecs of picture and sound that browsers play in it.
_FILMS: Final = {
    "video/mp4": ({"h264", "av1", "vp9"}, {"", "aac", "mp3", "opus", "flac"}),
    "video/webm": ({"vp8", "vp9", "av1", "libdav1d"}, {"", "opus", "vorbis"}),
}
_SOUNDS: Final = {
    "audio/mpeg": {"mp3", "mp3float"},
    "audio/mp4": {"aac", "mp3"},
    "audio/ogg": {"opus", "vorbis", "libopus"},
    "audio/wav": {"pcm_s16le", "pcm_u8", "pcm_s24le", "pcm_f32le"},
    "audio/x-wav": {"pcm_s16le", "pcm_u8", "pcm_s24le", "pcm_f32le"},
    "audio/flac": {"flac"},
    "audio/aac": {"aac"},
}
_LARGE_BYTES: Final = 256 << 20
_LARGE_PX: Final = 1920


@dataclass(frozen=True, slots=True)
class Shown:
    """Bytes for a browser; ``name`` is a derivative's, empty for the original."""

    sha256: str
    mime: str
    name: str = ""


def of(session: Session, item: Evidence) -> Shown | None:
    """What to show of a verified item; none while or where there is nothing."""
    for name in (WEB, VIEW):
        made = session.get(Derivative, (item.sha256, name))
        if made is not None:
            return Shown(made.sha256, made.mime, name)
    examination = session.get(Examination, item.sha256)
    findings = examination.findings if examination is not None else None
    if not findings or not is_playable(findings):
        return None
    return Shown(item.sha256, findings["sniffed"]["mime"])


def is_playable(findings: dict[str, Any]) -> bool:
    """Whether browsers show the original as it is; judged by its bytes, not by its name."""
    sniffed = findings.get("sniffed") or {}
    mime, media = sniffed.get("mime", ""), findings.get("media") or {}
    if sniffed.get("unsafe", True):
        return False
    if mime in _PICTURES:
        return findings.get("image") is not None
    picture, sound = media.get("video_codec", ""), media.get("audio_codec", "")
    if mime in _FILMS:
        pictures, sounds = _FILMS[mime]
        return picture in pictures and sound in sounds
    return sound in _SOUNDS.get(mime, frozenset())


def needs_preview(findings: dict[str, Any], size_bytes: int) -> bool:
    """Whether a film or sound is worth a copy for browsers: they can't play it, or it is heavy."""
    media = findings.get("media") or {}
    kind = (findings.get("sniffed") or {}).get("kind")
    if kind not in {"video", "audio"} or not (media.get("video_codec") or media.get("audio_codec")):
        return False
    large = max(media.get("width", 0), media.get("height", 0)) > _LARGE_PX
    return not is_playable(findings) or large or size_bytes > _LARGE_BYTES
