"""What goes wrong with contact matrices."""

__all__ = ["CorruptError", "GzcmError", "UnknownCodecError", "UnsupportedError", "WireFormatError"]


class GzcmError(ValueError):
    """A value, a window or an option that cannot be."""


class CorruptError(GzcmError):
    """Bytes that are not what a codec or a writer wrote: damaged, cut short, or of another format."""


class UnsupportedError(GzcmError):
    """A well-formed input that needs something that is not there."""


class WireFormatError(GzcmError):
    """A codec, or a file, that breaks the wire format that it declares."""


class UnknownCodecError(KeyError):
    """A name that no codec has: `name`, and in `available` the names that there are."""

    def __init__(self, name: str, available: list[str]) -> None:
        super().__init__(name)
        self.name = name
        self.available = list(available)

    def __str__(self) -> str:
        return f"unknown codec {self.name!r}; there are: {', '.join(self.available)}"

    def __reduce__(self) -> tuple[type, tuple[str, list[str]]]:
        return type(self), (self.name, self.available)
