"""Questions before something is destroyed."""


def confirmed(expression, question, preview, prompt=None):
    """Whether to go on: asks on the terminal if `prompt` (by default the setting `safemode`) says so."""
    if not (expression.connection._config.get("safemode", True) if prompt is None else prompt):
        return True
    for table, rows in preview():
        print(f"{table}: {rows} rows")
    from . import tables

    return tables.user_choice(question, default="no") == "yes"
