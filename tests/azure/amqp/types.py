"""AMQP 1.0 values on the wire. What Python has no type for is a subclass here, so that a value that was
read is written again as it came.

A plain int is a long, a plain float a double, str a string, bytes binary, list a list, dict a map.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class UByte(int): ...


class UShort(int): ...


class UInt(int): ...


class ULong(int): ...


class Byte(int): ...


class Short(int): ...


class Int(int): ...


class Timestamp(int):
    """Milliseconds since 1970."""


class Char(int): ...


class Float(float): ...


class Symbol(str): ...


class Array(list[Any]):
    """Elements of one type."""


@dataclass(frozen=True)
class Described:
    descriptor: Any
    value: Any


class DecodeError(ValueError):
    """The bytes are not AMQP."""


FIXED: dict[int, tuple[str, type]] = {
    0x50: (">B", UByte),
    0x60: (">H", UShort),
    0x70: (">I", UInt),
    0x52: (">B", UInt),
    0x80: (">Q", ULong),
    0x53: (">B", ULong),
    0x51: (">b", Byte),
    0x61: (">h", Short),
    0x71: (">i", Int),
    0x54: (">b", Int),
    0x81: (">q", int),
    0x55: (">b", int),
    0x83: (">q", Timestamp),
    0x72: (">f", Float),
    0x82: (">d", float),
    0x73: (">I", Char),
    0x56: (">?", bool),
}
CONSTANT: dict[int, Callable[[], Any]] = {
    0x40: lambda: None,
    0x41: lambda: True,
    0x42: lambda: False,
    0x43: lambda: UInt(0),
    0x44: lambda: ULong(0),
    0x45: list,
}
VARIABLE: dict[int, Callable[[bytes], Any]] = {
    0xA0: bytes,
    0xA1: lambda raw: raw.decode(),
    0xA3: lambda raw: Symbol(raw.decode("ascii")),
}
WIDTH = {1: struct.Struct(">B"), 4: struct.Struct(">I")}
FIXED_STRUCTS = {code: (struct.Struct(layout), kind) for code, (layout, kind) in FIXED.items()}
FIXED_CODES = {
    kind: (code, struct.Struct(layout))
    for code, (layout, kind) in FIXED.items()
    if code not in (0x52, 0x53, 0x54, 0x55, 0x56)
}


def decode(data: bytes, at: int = 0) -> tuple[Any, int]:
    """The value that starts at `at`, and where it ends."""
    try:
        return _decode(data, at)
    except (IndexError, ValueError, TypeError, RecursionError, struct.error) as error:
        raise DecodeError(f"not AMQP at byte {at}: {error}") from error


def _decode(data: bytes, at: int) -> tuple[Any, int]:
    code = data[at]
    if code == 0:
        descriptor, at = _decode(data, at + 1)
        value, at = _decode(data, at)
        return Described(descriptor, value), at
    return _body(data, at + 1, code)


def _body(data: bytes, at: int, code: int) -> tuple[Any, int]:
    if code in CONSTANT:
        return CONSTANT[code](), at
    if code in FIXED_STRUCTS:
        layout, kind = FIXED_STRUCTS[code]
        return kind(layout.unpack_from(data, at)[0]), at + layout.size
    if code == 0x98:
        return uuid.UUID(bytes=data[at : at + 16]), at + 16
    family, wide = code & 0xEF, code & 0x10
    width = WIDTH[4 if wide else 1]
    (size,) = width.unpack_from(data, at)
    at += width.size
    end = at + size
    if end > len(data):
        raise DecodeError(f"a value of {size} bytes in {len(data) - at}")
    if family in VARIABLE:
        return VARIABLE[family](bytes(data[at:end])), end
    if family not in (0xC0, 0xC1, 0xE0):
        raise DecodeError(f"no type has the constructor {code:#x}")
    (count,) = width.unpack_from(data, at)
    items = _array if family == 0xE0 else _items
    values = items(data, at + width.size, count)
    return (dict(zip(values[::2], values[1::2], strict=True)) if family == 0xC1 else values), end


def _items(data: bytes, at: int, count: int) -> list[Any]:
    values = []
    for _ in range(count):
        value, at = _decode(data, at)
        values.append(value)
    return values


def _array(data: bytes, at: int, count: int) -> Array:
    if count == 0:
        return Array()
    code, at, values = data[at], at + 1, Array()
    for _ in range(count):
        value, at = _body(data, at, code)
        values.append(value)
    return values


def encode(value: Any) -> bytes:
    """Ints in their full width, so that those of an array have one constructor."""
    if value is None:
        return b"\x40"
    if isinstance(value, bool):
        return b"\x41" if value else b"\x42"
    if isinstance(value, ULong) and value < 256:
        return bytes((0x53, value))
    kind = type(value)
    if kind in FIXED_CODES:
        code, layout = FIXED_CODES[kind]
        return bytes((code,)) + layout.pack(value)
    if isinstance(value, uuid.UUID):
        return b"\x98" + value.bytes
    if isinstance(value, Symbol):
        return _sized(0xA3, value.encode("ascii"))
    if isinstance(value, str):
        return _sized(0xA1, value.encode())
    if isinstance(value, bytes | bytearray | memoryview):
        return _sized(0xA0, bytes(value))
    if isinstance(value, Described):
        return b"\x00" + encode(value.descriptor) + encode(value.value)
    return _compound(value)


def _compound(value: Any) -> bytes:
    if isinstance(value, Array):
        items = [encode(item) for item in value]
        body = b"".join((items[0][:1], *(item[1:] for item in items))) if items else b"\x40"
        return _counted(0xE0, len(items), body)
    if isinstance(value, list | tuple):
        return _counted(0xC0, len(value), b"".join(map(encode, value))) if value else b"\x45"
    if isinstance(value, dict):
        pairs = b"".join(encode(part) for pair in value.items() for part in pair)
        return _counted(0xC1, 2 * len(value), pairs)
    raise TypeError(f"{type(value).__name__} has no AMQP type")


def _sized(code: int, body: bytes) -> bytes:
    if len(body) < 256:
        return bytes((code, len(body))) + body
    return bytes((code | 0x10,)) + len(body).to_bytes(4, "big") + body


def _counted(code: int, count: int, body: bytes) -> bytes:
    if count < 256 and len(body) < 255:
        return bytes((code, len(body) + 1, count)) + body
    return struct.pack(">BII", code | 0x10, len(body) + 4, count) + body
