"""Queries: the operators of the algebra."""

from collections.abc import Mapping

import numpy as np

from . import preview
from .condition import AndList, Not, Top
from .connection import Cursor
from .errors import DataJointError
from .fetch import Fetch
from .heading import Heading


class QueryExpression(Fetch):
    """Rows of the database that are fetched when asked for."""

    _query = None
    _connection = None

    def _derive(self, query):
        # What is wrong with an expression is said where it is written.
        query.check()
        derived = QueryExpression()
        derived._query, derived._connection = query, self.connection
        return derived

    @property
    def connection(self):
        """The connection that the rows come by."""
        return self._connection

    @property
    def heading(self):
        """The attributes of the result."""
        query = self._query
        return Heading(query.heading(), query.comment(), query.knows_lineage())

    @property
    def primary_key(self):
        """Names of the primary key's attributes."""
        return self.heading.primary_key

    def restrict(self, restriction, semantic_check=True):
        """Rows for which a condition holds: a dict, SQL, a list (any of them), another table or query.

        Attributes of other queries that have the same name must share an origin, unless `semantic_check` is off.
        """
        if isinstance(restriction, Top):
            return self._derive(self._query.top(restriction.limit, restriction.offset, restriction.order_by or []))
        restriction = self._condition(restriction)
        return self._derive(self._query.restrict(restriction, semantic_check))

    def _condition(self, condition):
        """A condition as the engine takes it."""
        if condition is None:
            raise DataJointError("Invalid restriction type None")
        if isinstance(condition, type) and issubclass(condition, QueryExpression):
            condition = condition()
        if isinstance(condition, QueryExpression):
            assert_same_connection(self, condition)
            return condition._query
        if isinstance(condition, U):
            return True
        if isinstance(condition, Not):
            return Not(self._condition(condition.restriction))
        if isinstance(condition, (str, bool, dict)):
            return condition
        if isinstance(condition, np.bool_):
            return bool(condition)
        if isinstance(condition, Mapping):
            return dict(condition)
        if isinstance(condition, np.void):
            return {name: condition[name] for name in condition.dtype.names}
        if hasattr(condition, "to_records"):
            condition = condition.to_records()
        if isinstance(condition, AndList):
            return AndList(self._condition(part) for part in condition)
        if isinstance(condition, np.ndarray) and condition.dtype.names is None:
            raise DataJointError("Invalid restriction type ndarray: it has no field names")
        try:
            return [self._condition(part) for part in condition]
        except TypeError:
            raise DataJointError(f"Invalid restriction type {condition!r}") from None

    def __and__(self, condition):
        return self.restrict(condition)

    def __sub__(self, condition):
        return self.restrict(Not(condition))

    def __neg__(self):
        return Not(self)

    def __mul__(self, other):
        return self.join(other)

    def __add__(self, other):
        other = operand(self, other, "A QueryExpression can only be unioned with another QueryExpression")
        return self._derive(self._query.union(other._query))

    def __xor__(self, other):
        raise DataJointError(
            "The ^ operator has been removed in DataJoint 2.0. Use .restrict(other, semantic_check=False) for restrictions "
            "without semantic checking."
        )

    def __matmul__(self, other):
        raise DataJointError(
            "The @ operator has been removed in DataJoint 2.0. Use .join(other, semantic_check=False) for joins without "
            "semantic checking."
        )

    def join(self, other, semantic_check=True, left=False):
        """Pairs of rows that agree in all attributes of the same name, which must share an origin (`semantic_check`).

        With `left` rows that nothing matches stay; they have to say which row of `other` belongs to them.
        """
        if isinstance(other, U):
            raise DataJointError(_NO_JOIN_WITH_U.format("table * dj.U(...)"))
        other = operand(self, other, "The argument of join must be a QueryExpression")
        return self._derive(self._query.join(other._query, semantic_check, left))

    def extend(self, other, semantic_check=True):
        """The rows with the attributes of the row of `other` that belongs to each, or nulls."""
        return self.join(other, semantic_check=semantic_check, left=True)

    def aggr(self, group, *attributes, exclude_nonmatching=False, **named):
        """The rows with what is computed over the rows of `group` that match each: `Subject.aggr(Session, n="count(session)")`.

        Rows that nothing matches stay unless `exclude_nonmatching` is set.
        """
        group = operand(self, group, "The argument of aggr must be a QueryExpression")
        keep, named = _projection(attributes, named)
        return self._derive(self._query.aggr(group._query, keep, named, not exclude_nonmatching))

    aggregate = aggr

    def proj(self, *attributes, **named):
        """Other attributes of the same rows; the primary key is always kept."""
        return self._derive(self._query.proj(*_projection(attributes, named)))

    def _ordered(self, order_by, limit, offset):
        if order_by is None and limit is None and offset is None:
            return self._query
        order_by = [order_by] if isinstance(order_by, str) else list(order_by or [])
        return self._query.top(limit, offset or 0, order_by)

    def delete(self, transaction=True, prompt=None, part_integrity="enforce"):
        """Deletes the rows, with the rows of other tables that refer to them; returns the number of its own rows."""
        from .prompt import confirmed

        if not confirmed(self, "Commit deletes?", lambda: self._query.delete_preview(part_integrity), prompt):
            return 0
        return self._query.delete(part_integrity)[0][1]

    def delete_quick(self, get_count=False):
        """Deletes the rows alone; the database refuses where others refer to them."""
        count = self._query.delete_quick()
        return count if get_count else None

    def __len__(self):
        return self._query.count()

    def __bool__(self):
        return self._query.exists()

    def __contains__(self, item):
        return bool(self & item)

    def make_sql(self):
        """The statement that fetches all attributes."""
        return self._query.make_sql()

    def cursor(self, as_dict=False):
        """The rows as they are in the database, without codecs."""
        return Cursor(*self.connection._core.query(self.make_sql(), []), as_dict)

    @property
    def adapter(self):
        """What the database's SQL looks like."""
        return self.connection.adapter

    def preview(self, limit=None, width=None):
        """The first rows as text."""
        return preview.text(self, limit, width)

    def _shown(self):
        return self._query.make_sql()

    def __repr__(self):
        return preview.text(self)

    def _repr_html_(self):
        return preview.html(self)


class U:
    """All values of some attributes: `dj.U("a", "b") & table` are those that occur, `dj.U("a").aggr(table, n="count(*)")` counts
    the rows of each, `dj.U().aggr(table, n="count(*)")` all rows."""

    def __init__(self, *primary_key):
        self._primary_key = primary_key

    @property
    def primary_key(self):
        """Names of the attributes."""
        return self._primary_key

    def __and__(self, other):
        other = _expression(other, "Set U can only be restricted with a QueryExpression.")
        return other._derive(other._query.distinct(list(self._primary_key)))

    def __mul__(self, other):
        raise DataJointError(_NO_JOIN_WITH_U.format("dj.U(...) * table"))

    def __sub__(self, other):
        raise DataJointError(
            "dj.U(...) - table produces an infinite set and is not supported. Restrict a table instead, or use "
            "dj.U(...) & table."
        )

    def aggr(self, group, **named):
        """What is computed over all rows of `group` that share the values of the attributes."""
        if named.pop("exclude_nonmatching", True) is False:
            raise DataJointError("Cannot set exclude_nonmatching=False when aggregating on a universal set.")
        group = _expression(group, "dj.U.aggr requires a QueryExpression as the group argument.")
        _, named = _projection((), named)
        return group._derive(group._query.group_by(list(self._primary_key), named))

    aggregate = aggr

    def __repr__(self):
        return f"dj.U({', '.join(map(repr, self._primary_key))})"


_NO_JOIN_WITH_U = (
    "{} is no longer supported in DataJoint 2.0. This pattern is no longer necessary with the new semantic matching system."
)


def _projection(attributes, named):
    """Items of a projection as the engine takes them."""
    keep = ["..." if attribute is Ellipsis else attribute for attribute in attributes]
    for attribute in [*keep, *named.values()]:
        if not isinstance(attribute, str):
            raise DataJointError(f"{attribute} is not a valid data type for an attribute in .proj")
    return keep, list(named.items())


def _expression(value, refusal):
    """A query, or an instance of a table's class."""
    if isinstance(value, type) and issubclass(value, QueryExpression):
        value = value()
    if not isinstance(value, QueryExpression):
        raise DataJointError(refusal)
    return value


def operand(one, other, refusal):
    """The other side of an operator: a query of the same connection."""
    other = _expression(other, refusal)
    assert_same_connection(one, other)
    return other


def assert_same_connection(one, other):
    """Refuses to put queries of two databases together."""
    if one.connection is not other.connection:
        raise DataJointError(
            "Cannot operate on expressions from different connections. Both must use the same connection."
        )
