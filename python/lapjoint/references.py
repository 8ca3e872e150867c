"""Tables that a definition names, found among the names of Python around it."""

from . import plugins
from ._core import referenced_names
from .errors import DataJointError
from .tables import Part, Table


def references(definition, context):
    """For each name of a foreign key that Python knows: name as written, schema, table."""
    found = []
    for name in dict.fromkeys(referenced_names(definition)):
        table = _lookup(name, context)
        if table is None:
            continue
        if not (isinstance(table, Table) or isinstance(table, type) and issubclass(table, Table)):
            raise DataJointError(f'Dependency "{name}" is not supported (yet). Use a base table or its projection.')
        if table._core is None:
            raise DataJointError(f"Foreign key reference {name} could not be resolved: its class is not declared yet.")
        found.append((name, table._core.schema_name, table._core.table_name))
    return found


def _lookup(name, context):
    first, *rest = name.split(".")
    if first not in context or name == "self":
        return None
    found = context[first]
    for part in rest:
        found = getattr(found, part, None)
    return found


def definition_of(cls):
    """The definition of a class, with the plugins of its codecs loaded."""
    definition = cls.definition if isinstance(cls.definition, str) else cls().definition
    if not isinstance(definition, str):
        raise NotImplementedError('Subclasses of Table must implement the property "definition"')
    plugins.find_all(definition)
    return definition


def parts_of(cls):
    """The part classes of a class, by name."""
    # In the order of their definition, which is that of their references.
    names = dict.fromkeys(name for base in reversed(cls.__mro__) for name in vars(base))
    for name in names:
        part = getattr(cls, name) if name[:1].isupper() else None
        if isinstance(part, type) and issubclass(part, Part):
            yield name, part
