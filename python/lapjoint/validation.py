"""Checks of rows before an insert."""

import json
import uuid
from dataclasses import dataclass, field

from .errors import DataJointError
from .rows import _iterable, rows_as_dicts


@dataclass
class ValidationResult:
    """What is wrong with rows: triples of row number, attribute (or `None`) and message. True when nothing is."""

    is_valid: bool
    errors: list = field(default_factory=list)
    rows_checked: int = 0

    def __bool__(self):
        return self.is_valid

    def raise_if_invalid(self):
        """Raises an error that lists what is wrong."""
        if not self.is_valid:
            raise DataJointError(self.summary())

    def summary(self):
        """What was found, as text."""
        if self.is_valid:
            return f"Validation passed: {self.rows_checked} rows checked"
        lines = [f"Validation failed: {len(self.errors)} error(s) in {self.rows_checked} rows"]
        for row, name, message in self.errors[:10]:
            lines.append(f"  Row {row}{f', field {name!r}' if name else ''}: {message}")
        if len(self.errors) > 10:
            lines.append(f"  ... and {len(self.errors) - 10} more errors")
        return "\n".join(lines)


def validate(table, rows, ignore_extra_fields=False):
    """Checks rows against a table's heading and codecs, without the database."""
    heading = table.heading
    errors = []
    count = 0
    for number, given in enumerate(_iterable(rows, heading)):
        count += 1
        try:
            (row,) = rows_as_dicts([given], heading)
        except DataJointError as error:
            errors.append((number, None, str(error)))
            continue
        errors += [(number, *found) for found in _row_errors(row, heading, ignore_extra_fields)]
    return ValidationResult(not errors, errors, count)


def _row_errors(row, heading, ignore_extra_fields):
    if not ignore_extra_fields:
        for name in row:
            if name not in heading:
                yield name, f"Field '{name}' not in table heading"
    for name, attribute in heading.attributes.items():
        value = row.get(name)
        optional = attribute.nullable or attribute.default is not None or attribute.autoincrement
        if value is not None:
            if message := _value_error(value, attribute):
                yield name, message
        elif optional:
            continue
        elif attribute.in_key:
            yield name, f"Primary key field '{name}' is missing or NULL"
        elif name in row:
            yield name, f"NULL value not allowed for non-nullable field '{name}'"
        else:
            yield name, f"Required field '{name}' is missing"


def _value_error(value, attribute):
    if attribute.codec_name:
        try:
            attribute.codec.validate(value)
        except (TypeError, ValueError, DataJointError) as error:
            return f"Codec validation failed: {error}"
    elif attribute.uuid and not isinstance(value, uuid.UUID):
        try:
            uuid.UUID(value)
        except (AttributeError, TypeError, ValueError):
            return f"Invalid UUID format: {value}"
    elif attribute.json:
        try:
            json.dumps(value)
        except (TypeError, ValueError):
            return f"Value not JSON serializable: {type(value).__name__}"
    return None
