"""Who evaluates: DataJoint 2.3.5 on PostgreSQL and MariaDB; this package there, on its own tables and on DataJoint's, and on SQLite."""

import contextlib
import datetime
import decimal
import io
import json
import logging
import math
import os
import urllib.parse
import uuid
import warnings
from dataclasses import dataclass, field

os.environ.setdefault("DJ_IGNORE_CONFIG_FILE", "true")
warnings.filterwarnings("ignore")

import datajoint  # noqa: E402
import lapjoint  # noqa: E402
from expressions import build, row  # noqa: E402

logging.getLogger("datajoint").setLevel(logging.ERROR)
logging.getLogger("lapjoint").setLevel(logging.ERROR)


@dataclass
class Outcome:
    """What an expression gives: a heading with rows, or why there is none."""

    names: list = None
    key: list = None
    types: dict = field(default_factory=dict)
    nullable: dict = field(default_factory=dict)
    rows: list = None
    length: int = None
    error: Exception = None
    """Why it has no rows."""
    is_refusal: bool = False
    """Whether the error is one of the package and not one that slipped through."""

    def told(self):
        if self.error is not None:
            return f"{type(self.error).__name__}: {str(self.error).strip().splitlines()[0][:200] if str(self.error) else ''}"
        return f"{self.names} key {self.key} {len(self.rows)} rows {self.rows[:12]}"

    def frozen(self, ordered):
        """As a frozen case has it."""
        if self.error is not None:
            return "refused"
        rows = [[{"date": str(cell)} if isinstance(cell, datetime.date) else cell for cell in cells] for cells in self.rows]
        if not ordered:
            rows.sort(key=lambda cells: json.dumps(cells, separators=(",", ":"), ensure_ascii=False))
        return {"names": self.names, "key": self.key, "rows": rows}


def plain(cell):
    """A value in the form that all databases can agree on: numbers are numbers."""
    if isinstance(cell, (bool, int, decimal.Decimal)):
        cell = float(cell)
    if isinstance(cell, float):
        return "nan" if math.isnan(cell) else float(f"{cell:.10g}") + 0.0
    return cell


class Side:
    """A package on a database."""

    def __init__(self, name, module, connection):
        self.name, self.dj, self.connection = name, module, connection
        self.schemas = []

    def tables(self, case, schema_name=None):
        """The tables of a case with their rows; or those that another side made, under the name of their schema."""
        if schema_name:
            return self.found(case, schema_name)
        schema = self.dj.Schema(f"algebra_{uuid.uuid4().hex[:10]}", connection=self.connection)
        self.schemas.append(schema)
        made, context = {}, {}
        for table in case["tables"]:
            name, _, part = table["name"].partition(".")
            if part:
                continue
            parts = {
                other["name"].partition(".")[2]: type(other["name"].partition(".")[2], (self.dj.Part,), {"definition": other["definition"]})
                for other in case["tables"]
                if other["name"].startswith(f"{name}.")
            }  # fmt: skip
            cls = type(name, (self.dj.Manual,), {"definition": table["definition"], **parts})
            schema(cls, context=context)
            made[name] = context[name] = cls
            made.update({f"{name}.{key}": cls for key, cls in parts.items()})
        for table in case["tables"]:
            made[table["name"]]().insert([row(given) for given in table["rows"]])
        return made

    def found(self, case, schema_name):
        module = self.dj.VirtualModule(f"found_{uuid.uuid4().hex[:6]}", schema_name, connection=self.connection)
        made = {}
        for table in case["tables"]:
            name, _, part = table["name"].partition(".")
            made[table["name"]] = getattr(getattr(module, name), part) if part else getattr(module, name)
        return made

    def drop(self):
        """Drops the schemas that were made."""
        quote = '"' if "PostgreSQL" in self.name else "`"
        for schema in self.schemas:
            if self.dj is lapjoint:
                schema.drop(prompt=False)
            else:
                cascade = " CASCADE" if quote == '"' else ""
                self.connection.query(f"DROP SCHEMA {quote}{schema.database}{quote}{cascade}")
        self.schemas = []

    def evaluate(self, tables, given):
        """What an expression gives."""
        try:
            with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
                warnings.simplefilter("ignore")
                query = build(self.dj, tables, given)
                heading = query.heading
                names, key = list(heading.names), list(query.primary_key)
                rows = [tuple(plain(found[name]) for name in names) for found in query.to_dicts()]
                types = {name: heading[name].original_type for name in names}
                nullable = {name: bool(heading[name].nullable) for name in names}
                # DataJoint's `len` fails where there is no key.
                length = len(query) if self.dj is lapjoint else None
                return Outcome(names, key, types, nullable, rows, length)
        except Exception as error:  # noqa: BLE001 - whatever happens is compared
            return Outcome(error=error, is_refusal=isinstance(error, self.dj.DataJointError))


class Reference(Side):
    """DataJoint, whose settings say for the whole process what database it is at."""

    def __init__(self, name, url):
        parts = urllib.parse.urlsplit(url)
        self.backend = "postgresql" if parts.scheme.startswith("postgres") else "mysql"
        self.database = parts.path.strip("/") or "postgres"
        datajoint.config["safemode"] = False
        self.choose()
        with contextlib.redirect_stdout(io.StringIO()):
            connection = datajoint.Connection(
                parts.hostname, parts.username, parts.password or "", port=parts.port, use_tls=False, backend=self.backend
            )
        super().__init__(name, datajoint, connection)

    def choose(self):
        datajoint.config["database.backend"] = self.backend
        if self.backend == "postgresql":
            datajoint.config["database.name"] = self.database

    def tables(self, case):
        self.choose()
        return super().tables(case)

    def evaluate(self, tables, given):
        self.choose()
        return super().evaluate(tables, given)


SERVERS = {"PostgreSQL": "LAPJOINT_TEST_POSTGRES", "MariaDB": "LAPJOINT_TEST_MYSQL"}


def references():
    """DataJoint on each server that is there."""
    there = {product: os.environ.get(variable) for product, variable in SERVERS.items()}
    return [Reference(f"DataJoint on {product}", url) for product, url in there.items() if url]


def ours(folder):
    """This package on each database that is there."""
    places = {"Lapjoint on SQLite": {"database__backend": "sqlite", "database__name": str(folder)}}
    for product, variable in SERVERS.items():
        if os.environ.get(variable):
            places[f"Lapjoint on {product}"] = {"database__url": os.environ[variable]}
    return [Side(name, lapjoint, lapjoint.Instance(safemode=False, **place).connection) for name, place in places.items()]
