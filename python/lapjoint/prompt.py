"""Questions before something is destroyed."""


def user_choice(prompt, choices=("yes", "no"), default=None):
    """Asks until one of the choices is given."""
    shown = ", ".join(choice.title() if choice == default else choice for choice in choices)
    while True:
        answer = input(f"{prompt} [{shown}]: ").strip().lower() or default
        if answer in choices:
            return answer


def confirmed(expression, question, preview, prompt=None):
    """Whether to go on: asks on the terminal if `prompt` (by default the setting `safemode`) says so."""
    if not (expression.connection._config.get("safemode", True) if prompt is None else prompt):
        return True
    for table, rows in preview():
        print(f"{table}: {rows} rows")
    from . import tables

    return tables.user_choice(question, default="no") == "yes"
