"""The two systems: DataJoint 2.3.5, and this package, on the same database and stores."""

import contextlib
import itertools
import logging
import os
import warnings

os.environ.setdefault("DJ_IGNORE_CONFIG_FILE", "true")
warnings.filterwarnings("ignore")

import datajoint  # noqa: E402
import lapjoint  # noqa: E402

logging.getLogger("datajoint").setLevel(logging.ERROR)
logging.getLogger("lapjoint").setLevel(logging.ERROR)

_numbers = itertools.count()


class Side:
    """One of the systems, connected."""

    def __init__(self, name, module, server, stores, downloads):
        self.name, self.dj = name, module
        self.config = module.config
        self.config["safemode"] = False
        self.config["stores"] = stores
        self.config["download_path"] = str(downloads)
        with warnings.catch_warnings(), open(os.devnull, "w") as quiet, contextlib.redirect_stdout(quiet):
            warnings.simplefilter("ignore")
            self.config["database.backend"] = server["backend"]
            if server.get("database"):
                self.config["database.name"] = server["database"]
            self.connection = module.Connection(
                server["host"], server["user"], server["password"], port=server["port"], use_tls=False,
                backend=server["backend"],
            )  # fmt: skip

    def schema(self, name):
        """The schema of this name, made when it is missing."""
        return self.dj.Schema(name, connection=self.connection)

    def declare(self, schema, tables):
        """Declares tables given as name and definition; a part's definition stands under `Master.Part`."""
        made, context = {}, {}
        for name, definition in tables.items():
            master, _, part = name.partition(".")
            if part:
                continue
            members = {
                key.partition(".")[2]: type(key.partition(".")[2], (self.dj.Part,), {"definition": text})
                for key, text in tables.items()
                if key.startswith(f"{name}.")
            }
            cls = type(name, (self.dj.Manual,), {"definition": definition, **members})
            schema(cls, context=context)
            made[name] = context[name] = cls
            made.update({f"{name}.{key}": value for key, value in members.items()})
        return made

    def found(self, schema_name):
        """The tables of a schema by class name, without the classes that declared them."""
        module = self.dj.VirtualModule(f"found_{next(_numbers)}", schema_name, connection=self.connection)
        made = {}
        for name, cls in vars(module).items():
            if isinstance(cls, type) and issubclass(cls, self.dj.Manual):
                made[name] = cls
                for part, member in vars(cls).items():
                    if isinstance(member, type) and issubclass(member, self.dj.Part):
                        made[f"{name}.{part}"] = member
        return made

    def drop(self, schema_name):
        """Drops a schema, if it is there."""
        quote = "`" if self.config["database.backend"] == "mysql" else '"'
        what, how = ("DATABASE", "") if quote == "`" else ("SCHEMA", " CASCADE")
        self.connection.query(f"DROP {what} IF EXISTS {quote}{schema_name}{quote}{how}")
