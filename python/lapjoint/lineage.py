"""Where attributes come from, as each schema's hidden table `~lineage` has it."""


def lineage_table_exists(connection, database):
    """Whether a schema has a record of where its attributes come from."""
    return connection._core.schema(database, False).lineage() is not None


def get_schema_lineages(connection, database):
    """All origins of a schema: `schema.table.attribute` and its origin."""
    return dict(connection._core.schema(database, False).lineage() or ())


def get_table_lineages(connection, database, table_name):
    """The origins of a table's attributes by attribute; those without one are left out."""
    prefix = f"{database}.{table_name}."
    origins = get_schema_lineages(connection, database)
    return {name.removeprefix(prefix): origin for name, origin in origins.items() if name.startswith(prefix)}


def get_lineage(connection, database, table_name, attribute_name):
    """The origin of an attribute, or `None`."""
    return get_table_lineages(connection, database, table_name).get(attribute_name)


def rebuild_schema_lineage(connection, database):
    """Writes the record of a schema anew, by the definitions of its tables."""
    connection._core.schema(database, False).rebuild_lineage()
