"""Time codes in a picture: the server shows `TZ1|…` as QR code, a camera photographs it."""

import zxingcpp
from PIL import Image

from server.evidence.findings import clean_text

PREFIX = "TZ1|"
_MAX_TEXT = 512
_MAX_CODES = 16


def time_codes(picture: Image.Image) -> list[str]:
    """The texts of all QR codes in an RGB picture that begin as a time code; unverified."""
    formats = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
    # Plain: the bytes as they are, without names for control characters.
    found = zxingcpp.read_barcodes(picture, formats=formats, text_mode=zxingcpp.TextMode.Plain)
    texts = [code.text for code in found[:_MAX_CODES]]
    # A code with other characters than it was made of would not verify anyway: drop, don't mend.
    return [
        text
        for text in texts
        if text.startswith(PREFIX) and len(text) <= _MAX_TEXT and clean_text(text) == text
    ]
