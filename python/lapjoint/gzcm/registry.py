"""Tile codecs by name: the single point where one is added."""

import threading
from collections.abc import Iterable
from typing import Any

from .. import _core
from .codecs import BUILT_IN, WireFormat
from .errors import GzcmError, UnknownCodecError, WireFormatError

__all__ = ["get_codec", "list_codecs", "register_codec"]

_added: dict[str, tuple[type, type, WireFormat]] = {}
_lock = threading.Lock()


def list_codecs() -> list[str]:
    """The names, sorted."""
    return sorted({*BUILT_IN, *_added})


def get_codec(name: str) -> tuple[type, type, WireFormat]:
    """(encoder class, decoder class, wire format) of a name; `UnknownCodecError` if there is none."""
    found = _added.get(name) or BUILT_IN.get(name)
    if found is None:
        raise UnknownCodecError(name, list_codecs())
    return found


def register_codec(
    name: str, encoder: type, decoder: type, wire_format: WireFormat | str, *, dtypes: Iterable[str] | None = None
) -> None:
    """Adds a codec, or replaces one that was added under the name: readers and writers find it from now on.

    `encoder(tile_size=n).encode_tile(tile)` gives the payload of an array of shape (rows, cols), and
    `decoder(tile_size=n).decode_tile(payload, shape)` the array again. With `WireFormat.OPAQUE_PAYLOAD` the writer prepends 8 bytes
    (rows, cols), which the decoder gets and strips. `dtypes` are the types of elements that the codec takes; if not given, what the
    encoder says as its attribute `dtypes`, else uint32. Classes are asked for other types by `dtype=`.

    Small tiles are encoded and decoded first: a codec that does not keep the wire format that is declared is refused with
    `WireFormatError`, which says what it seems to keep.
    """
    wire_format = WireFormat(wire_format)
    if dtypes is None:
        dtypes = getattr(encoder, "dtypes", ("uint32",))
    _check_own_word(name, encoder, wire_format)
    built_in = BUILT_IN.get(name)
    if built_in == (encoder, decoder, wire_format):
        return
    if built_in is not None:
        # What is wrong with the codec itself is the better answer.
        _core.gzcm_probe_codec(name, encoder, decoder, wire_format.value, list(dtypes))
        raise GzcmError(f"{name!r} is a built-in codec: files written under its name by another would be misread; choose another name")
    with _lock:
        _core.gzcm_register_codec(name, encoder, decoder, wire_format.value, list(dtypes))
        _added[name] = (encoder, decoder, wire_format)


def _check_own_word(name: str, encoder: Any, declared: WireFormat) -> None:
    """Refuses a class that says another wire format of itself than it is registered with."""
    said = getattr(encoder(tile_size=8), "wire_format", declared)
    if said != declared:
        raise WireFormatError(
            f"codec {name!r}: it is registered as {declared.value!r}, and its encoder says {getattr(said, 'value', said)!r} of itself: "
            "the writer would prepend the 8-byte (rows, cols) header to payloads that have their own, or leave it out where it is needed"
        )


def added() -> dict[str, tuple[type, type, WireFormat]]:
    """The codecs that are not built in."""
    return dict(_added)
