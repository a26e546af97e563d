"""The files of the day: real samples when there are some, otherwise made on the spot."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from client_sdk.protocol.payloads import Geo, NoGeo
from deploy.demo import media

PHOTOS = 9
PHOTO_PX = (2400, 1800)
LOG = (
    "到达现场，出示执行公务证",
    "向被执行人宣读执行通知书",
    "被执行人在场，告知权利义务",
    "为保护您的合法权益，本次执行全程录音录像，请您配合",
    "清点财产，开始制作清单",
    "张贴封条，拍照",
    "被执行人签字确认清单",
    "离开现场，本次执行结束",
)


@dataclass(frozen=True, slots=True)
class Item:
    """A file to capture and where the phone stands while it does."""

    path: Path
    kind: str
    position: Geo | NoGeo


def gather(folder: Path, samples: Path | None, now: datetime) -> list[Item]:
    """Nine photos with GPS, a HEIC, a video and an audio recording, as files in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    photos = _photos(folder, samples, now)
    heic = _heic(folder, samples, now)
    video = _video(folder, samples, now)
    audio = media.short_audio(folder / "录音 现场.m4a", 3.0, when=now)
    kinds = [*((path, "photo") for path in photos), (heic, "photo"), (video, "video"),
             (audio, "audio")]  # fmt: skip
    return [Item(path, kind, _position(number)) for number, (path, kind) in enumerate(kinds)]


def _photos(folder: Path, samples: Path | None, now: datetime) -> list[Path]:
    real = sorted((samples / "photos").glob("DSCN*.jpg")) if samples else []
    if len(real) >= PHOTOS:
        return [Path(shutil.copy(path, folder)) for path in real[:PHOTOS]]
    return [
        media.gps_photo(
            folder / f"现场照片 {number + 1}.jpg", 38.21 + number / 10_000, 104.41,
            now + timedelta(seconds=20 * number), seed=number, size_px=PHOTO_PX,
        )
        for number in range(PHOTOS)
    ]  # fmt: skip


def _heic(folder: Path, samples: Path | None, now: datetime) -> Path:
    real = sorted((samples / "photos").glob("*.HEIC")) if samples else []
    if real:
        return Path(shutil.copy(real[0], folder))
    return media.heic_photo(folder / "清单.heic", 38.2109, 104.41, now, seed=99)


def _video(folder: Path, samples: Path | None, now: datetime) -> Path:
    real = sorted((samples / "video").glob("*.mp4")) if samples else []
    if real:
        return Path(shutil.copy(real[0], folder))
    return media.short_video(folder / "录像.mp4", 6.0, when=now)


def _position(number: int) -> Geo | NoGeo:
    """A desert without people; one item is taken indoors, without a fix."""
    if number == PHOTOS - 1:
        return NoGeo("no-fix")
    return Geo(lat=f"{38.21 + number / 10_000:.7f}", lon="104.4100000", acc_m="8.0")
