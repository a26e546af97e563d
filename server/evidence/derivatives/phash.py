"""A 64-bit perceptual hash: alike for copies that were scaled, recompressed or brightened.

Method: 32x32 grey, two-dimensional DCT-II, the 8x8 lowest frequencies, one bit each for above
or below their median (the well-known pHash). It finds candidates; it proves nothing.
"""

import numpy as np
from PIL import Image

_SIDE = 32
_KEPT = 8
# Below this spread (of 255) a picture is one colour and would equal every other such picture.
_MIN_SPREAD = 4.0


def _dct_matrix() -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    rows = np.arange(_KEPT).reshape(-1, 1)
    columns = np.arange(_SIDE).reshape(1, -1)
    return np.cos(np.pi * rows * (2 * columns + 1) / (2 * _SIDE))


_DCT = _dct_matrix()


def perceptual_hash(upright: Image.Image) -> str | None:
    """16 hex digits; None for a picture without any structure."""
    grey = upright.convert("L").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    pixels = np.asarray(grey, dtype=np.float64)
    if float(pixels.max() - pixels.min()) < _MIN_SPREAD:
        return None
    low = (_DCT @ pixels @ _DCT.T).flatten()
    # The first coefficient is the brightness: it neither votes nor shifts the median.
    median = float(np.median(low[1:]))
    bits = low > median
    bits[0] = False
    return f"{int(''.join('1' if bit else '0' for bit in bits), 2):016x}"


def distance(first: str, second: str) -> int:
    """How many of the 64 bits differ: 0 is the same, up to about 8 is alike."""
    return (int(first, 16) ^ int(second, 16)).bit_count()
