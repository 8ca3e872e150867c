"""An interactive session with schemas at hand: `python -m lapjoint.cli -u USER --host HOST -s SCHEMA:NAME`."""

import argparse
import code

import lapjoint as dj


def _parser():
    parser = argparse.ArgumentParser(prog="python -m lapjoint.cli", description="An interactive session, with this package as `dj`.")
    parser.add_argument("-V", "--version", action="version", version=f"{dj.__name__} {dj.__version__}")
    parser.add_argument("-u", "--user", help="user of the database")
    parser.add_argument("-p", "--password", help="password of the user")
    parser.add_argument("--host", help="host of the database, as host[:port]")
    parser.add_argument(
        "-s", "--schemas", nargs="+", metavar="SCHEMA:NAME", help="schemas whose tables are there under a name of their own"
    )
    return parser


def cli(args=None):
    """Takes the settings of the arguments, opens their schemas, and reads Python from the terminal until it ends."""
    given = _parser().parse_args(args)
    for key in ("user", "password"):
        if getattr(given, key) is not None:
            dj.config[f"database.{key}"] = getattr(given, key)
    if given.host:
        host, _, port = given.host.partition(":")
        dj.config["database.host"] = host
        if port:
            dj.config["database.port"] = int(port)
    modules = {}
    for schema in given.schemas or ():
        name, colon, alias = schema.partition(":")
        if not (name and colon and alias):
            raise dj.DataJointError(f"Invalid schema format '{schema}'. Use schema_name:alias")
        modules[alias] = dj.VirtualModule(alias, name)
    banner = f"{dj.__name__} {dj.__version__}"
    if modules:
        banner += "\nschemas: " + ", ".join(modules)
    code.interact(banner, local={"dj": dj, **modules}, exitmsg="")
    raise SystemExit


if __name__ == "__main__":
    cli()
