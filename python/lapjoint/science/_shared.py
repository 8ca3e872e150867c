"""What the bundled codecs share: libraries that may be missing, errors, and objects that the engine stores and verifies."""

import importlib

from ..errors import CodecValueError, DataJointError


def library(codec, module, package=None):
    """A module that a codec needs; where it is missing, the error says what to install."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = package or module.split(".")[0]
        raise DataJointError(f"<{codec}> needs {package}: pip install {package} ({error})") from error


def refused(codec, message):
    """The error for a value that a codec does not store."""
    return CodecValueError(f"<{codec}> {message}")


def unreadable(codec, message):
    """The error for a stored form that a codec cannot read."""
    return DataJointError(f"<{codec}> cannot read its stored value: {message}")


def checked_version(codec, stored):
    """The format version of a stored form; an error for one that the codec does not read."""
    version = stored.get("codec_version", codec.reads_versions[0])
    if version not in codec.reads_versions:
        raise unreadable(
            codec.name,
            f"its format is version {version!r}, and this package reads {', '.join(codec.reads_versions)}: upgrade lapjoint to "
            "read it",
        )
    return version


def stored_object(value, *, key, store_name, context):
    """Metadata of a file, folder or (extension, bytes) that the engine stores with the row, with its size and checksum."""
    from .._core import __version__
    from ..builtin_codecs import builtin_codec

    about = builtin_codec("object", "built in").encode(value, key=key, store_name=store_name, context=context)
    return {**about, "codec_version": "1.0", "provenance": {"lapjoint": __version__}}


def backend_for(codec, stored, *, key, context):
    """The backend of the store that metadata names."""
    from ..storage import backend_of

    if not isinstance(stored, dict) or not isinstance(stored.get("path"), str):
        raise unreadable(codec.name, f"expected metadata with a path, got {type(stored).__name__}")
    return backend_of(stored.get("store") or None, codec._codec_config(key, context))
