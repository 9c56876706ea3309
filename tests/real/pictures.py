"""Opening a PNG by hand: tests need no library for pictures, and a broken file fails here at what is wrong with it."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}  # by colour type: grey, RGB, grey and alpha, RGBA


@dataclass(frozen=True)
class Picture:
    """Eight bits a channel, not interlaced; `rows` from top to bottom, each of `width` * `channels` bytes."""

    width: int
    height: int
    channels: int
    rows: tuple[bytes, ...]

    def dark(self, column: int) -> int:
        """How many pixels of a column are nearer to black than to white."""
        return sum(row[column * self.channels] < 128 for row in self.rows)


def opened(png: bytes) -> Picture:
    """The picture in these bytes, of which nothing may be missing and nothing left over."""
    assert png.startswith(SIGNATURE)
    chunks = _chunks(png)
    assert chunks[0][0] == b"IHDR"
    assert chunks[-1] == (b"IEND", b"")
    width, height, depth, colour, *methods = struct.unpack(">IIBBBBB", chunks[0][1])
    assert (depth, methods) == (8, [0, 0, 0])
    channels = CHANNELS[colour]
    pixels = zlib.decompress(b"".join(data for kind, data in chunks if kind == b"IDAT"))
    length = 1 + width * channels  # the first byte of a row names its filter
    assert len(pixels) == height * length
    rows: list[bytes] = []
    above = bytes(width * channels)
    for start in range(0, len(pixels), length):
        above = _unfiltered(pixels[start], pixels[start + 1 : start + length], above, channels)
        rows.append(above)
    return Picture(width, height, channels, tuple(rows))


def _chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    found = []
    place = len(SIGNATURE)
    while place < len(png):
        (length,) = struct.unpack_from(">I", png, place)
        kind, data = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        assert struct.unpack_from(">I", png, place + 8 + length) == (zlib.crc32(kind + data),)
        found.append((kind, data))
        place += length + 12
    return found


def _unfiltered(kind: int, row: bytes, above: bytes, channels: int) -> bytes:
    """A row as it was before it was filtered (PNG specification, section 9.2)."""
    found = bytearray(channels)  # as if there were a pixel of zeros on the left
    corners = bytes(channels) + above
    for place, value in enumerate(row):
        left, up, corner = found[place], above[place], corners[place]
        found.append((value + _predicted(kind, left, up, corner)) % 256)
    return bytes(found[channels:])


def _predicted(kind: int, left: int, up: int, corner: int) -> int:
    if kind == 4:
        guess = left + up - corner
        return min((left, up, corner), key=lambda value: abs(guess - value))
    return (0, left, up, (left + up) // 2)[kind]
