"""What engines of tables ask of a codec, under DataJoint's name."""

from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class SparkAdapter(Protocol):
    """A codec whose values have a form for Spark. One that declares an `arrow_type` is one without doing more."""

    def to_spark(self, decoded: Any, *, key: Any = None) -> Any:
        """The form of a decoded value: numbers, texts, lists and dicts of these."""
        ...
