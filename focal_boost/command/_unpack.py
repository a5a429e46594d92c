"""From a file to its text: what it is packed in, and its encoding."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

_PACKED: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ": lzma.decompress,
}
UNREADABLE = "DATA must be a readable CSV or Parquet file"


class InputError(ValueError):
    """What the user gave cannot be used; the message is one sentence."""


def line_of(error: Exception) -> str:
    """Return what an error says, in one line."""
    return " ".join(str(error).split())[:200].rstrip(". ")


def unpacked(content: bytes, path: Path) -> bytes:
    """Return the content without its compression, which its first bytes tell."""
    for magic, unpack in _PACKED.items():
        if content.startswith(magic):
            return unpack(content)
    if content.startswith(b"PK\x03\x04"):
        return _unzipped(content, path)
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise _workbook(path)
    return content


def _unzipped(content: bytes, path: Path) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [
                name
                for name in archive.namelist()
                if not name.endswith("/") and not name.startswith("__MACOSX/")
            ]
            if any(name.startswith("xl/") for name in names):
                raise _workbook(path)
            if len(names) != 1:
                raise InputError(
                    f"DATA must be one file where it is a zip archive, got {len(names)}"
                    f" in '{path}'"
                )
            return unpacked(archive.read(names[0]), path)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise InputError(f"{UNREADABLE}, got '{path}' ({line_of(error)})") from None


def _workbook(path: Path) -> InputError:
    return InputError(
        "DATA must be CSV or Parquet, got a workbook or another document, "
        f"'{path}': save its sheet as CSV"
    )


def decoded(content: bytes, path: Path) -> tuple[str, str]:
    """Return the text, and its encoding if that is not UTF-8."""
    if not content.strip():
        raise InputError(f"DATA must not be empty, got '{path}'")
    encoding = _encoding(content)
    text = content.decode(encoding)
    if "\0" in text:
        raise InputError(
            f"DATA must hold text without NUL, got one in '{path}': it is no CSV file,"
            " or has to be written again"
        )
    return text, encoding


def _encoding(content: bytes) -> str:
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if content.startswith(mark):
            return encoding
    start = content[:2000]
    # Of plain letters every other byte is NUL.
    for side, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        part = start[side::2]
        if part.count(0) > 0.8 * len(part) and not start[1 - side :: 2].count(0):
            return encoding
    for encoding in ("utf-8", "cp1252"):
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return "latin-1"
