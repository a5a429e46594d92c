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
# What begins like that, in small letters, is no table of text; what to do about it.
_PACK, _SAVE = "unpack it first", "save its table as CSV or Parquet"
_FOREIGN: dict[bytes, tuple[str, str]] = {
    b"\x28\xb5\x2f\xfd": ("a zstd archive", _PACK),
    b"7z\xbc\xaf": ("a 7z archive", _PACK),
    b"rar!\x1a": ("a RAR archive", _PACK),
    b"\x04\x22\x4d\x18": ("an lz4 archive", _PACK),
    b"sqlite format 3\0": ("a SQLite database", _SAVE),
    b"\x80\x02": ("a pickle", _SAVE),
    b"\x80\x03": ("a pickle", _SAVE),
    b"\x80\x04": ("a pickle", _SAVE),
    b"\x80\x05": ("a pickle", _SAVE),
    b"\x93numpy": ("a NumPy array", _SAVE),
    b"arrow1\0": ("a Feather file", _SAVE),
    b"obj\x01": ("an Avro file", _SAVE),
    b"\x89hdf": ("an HDF5 file", _SAVE),
    b"%pdf-": ("a PDF", _SAVE),
    b"\x89png": ("an image", "a table is needed"),
    b"\xff\xd8\xff": ("an image", "a table is needed"),
    b"<!doctype": ("HTML", _SAVE),
    b"<html": ("HTML", _SAVE),
    b"<?xml": ("XML", _SAVE),
    b'{"': ("JSON", _SAVE),
    b"[{": ("JSON", _SAVE),
    b"@relation": ("an ARFF file", _SAVE),
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
            return unpacked(unpack(content), path)
    if content.startswith(b"PK\x03\x04"):
        return _unzipped(content, path)
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise _workbook(path)
    if content[257:262] == b"ustar":
        raise _foreign("a tar archive", _PACK, path)
    start = content[:99].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for magic, told in _FOREIGN.items():
        if start.startswith(magic):
            raise _foreign(*told, path)
    return content


def _foreign(what: str, way_out: str, path: Path) -> InputError:
    return InputError(f"DATA must be CSV or Parquet, got {what}, '{path}': {way_out}")


def _unzipped(content: bytes, path: Path) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [
                name
                for name in archive.namelist()
                if not name.endswith("/") and not name.startswith("__MACOSX/")
            ]
            if any(name.startswith("xl/") or name == "content.xml" for name in names):
                raise _workbook(path)
            if names and all(name.endswith(".npy") for name in names):
                raise _foreign("NumPy arrays", _SAVE, path)
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
        (b"\xff\xfe\0\0", "utf-32"),
        (b"\0\0\xfe\xff", "utf-32"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if content.startswith(mark):
            return encoding
    for encoding in (*_wide(content[:2000]), "utf-8", "cp1252"):
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return "latin-1"


def _wide(start: bytes) -> list[str]:
    """Return encodings of two or four bytes a letter that the beginning may have."""
    for part, encoding in ((start[3::4], "utf-32-le"), (start[::4], "utf-32-be")):
        if part and part.count(0) == len(part) and start.count(0) > 0.6 * len(start):
            return [encoding]
    # Of digits and signs every other byte is NUL, and of no letter the one before it.
    for side, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        part = start[side::2]
        if part.count(0) > 0.2 * len(part) and not start[1 - side :: 2].count(0):
            return [encoding]
    return []
