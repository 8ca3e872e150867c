"""Names between classes and tables."""

import re
import warnings

from .errors import DataJointError

__all__ = ["from_camel_case", "is_camel_case", "to_camel_case", "user_choice"]


def is_camel_case(name):
    """Whether a name is one of a class."""
    return bool(re.fullmatch(r"[A-Z][A-Za-z0-9]*", name))


def to_camel_case(name):
    """`table_name` as `TableName`."""
    return re.sub(r"(?:^|[_\W]+)([a-zA-Z0-9])", lambda found: found.group(1).upper(), name)


def from_camel_case(name):
    """`TableName` as `table_name`; every capital begins a word."""
    if "_" in name:
        warnings.warn(f"Table class name `{name}` contains underscores, which are no part of a class name.", stacklevel=2)
    if not is_camel_case(name):
        raise DataJointError("ClassName must be alphanumeric in CamelCase, begin with a capital letter")
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def user_choice(prompt, choices=("yes", "no"), default=None):
    """Asks until one of the choices is given."""
    shown = ", ".join(choice.title() if choice == default else choice for choice in choices)
    while True:
        answer = input(f"{prompt} [{shown}]: ").strip().lower() or default
        if answer in choices:
            return answer
