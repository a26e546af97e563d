"""How fine a recording is made anew."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quality:
    """How large and how fine: longest side in pixels, x264's rate factor, sound in bits/s."""

    side_px: int
    rate_factor: int
    sound_bits: int


FINE = Quality(1920, 20, 128_000)
SMALL = Quality(1280, 27, 96_000)
