"""The terms that somebody outside accepts before anything is shown; versions are never changed.

A new text is a new version; which one was accepted stands in the log.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

CURRENT: Final = "2026-11"

TEXTS: Final = MappingProxyType(
    {
        "2026-11": {
            "zh": (
                "以下材料由人民法院就所列案件提供，仅供所述用途使用。",
                "不得向他人转交、公开传播或者用于其他目的；涉及个人信息和隐私的部分依法负有保密义务。",
                "不得裁剪、改动后作为原件使用；需要核对原件的，请向法院提出。",
                "每次打开、查看和下载均记入执行证据日志，包括时间和网络地址；画面带有接收人和时间的水印。",
                "法院可以随时撤回共享，撤回后应当删除已下载的副本，法律另有规定的除外。",
            ),
            "en": (
                (
                    "A people's court provides this material in the named case, for the stated "
                    "purpose only."
                ),
                (
                    "Do not pass it on, publish it or use it otherwise. Personal information and "
                    "private matters in it are to be kept confidential as the law requires."
                ),
                (
                    "Do not crop or alter it and use it as the original; ask the court to compare "
                    "with the original."
                ),
                (
                    "Each opening, view and download is entered in the evidence log with time and "
                    "network address; pictures carry a watermark with recipient and time."
                ),
                (
                    "The court may take the share back at any time; downloaded copies are then to "
                    "be deleted unless the law says otherwise."
                ),
            ),
        }
    }
)


def text_of(version: str, language: str) -> tuple[str, ...]:
    """Paragraphs of a version in ``zh`` or ``en``."""
    return TEXTS[version]["en" if language == "en" else "zh"]
