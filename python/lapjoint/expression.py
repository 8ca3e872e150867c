"""Queries: restriction and projection."""

from collections.abc import Mapping

import numpy as np

from . import preview
from .condition import AndList, Not, Top
from .errors import DataJointError
from .fetch import Fetch
from .heading import Heading


class QueryExpression(Fetch):
    """Rows of the database that are fetched when asked for."""

    _query = None
    _connection = None

    def _derive(self, query):
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
        return Heading(self._query.heading(), self._query.comment())

    @property
    def primary_key(self):
        """Names of the primary key's attributes."""
        return self.heading.primary_key

    def restrict(self, condition, semantic_check=True):
        """Rows for which a condition holds: a dict, SQL, a list (any of them), another table or query."""
        if isinstance(condition, Top):
            return self._derive(self._query.top(condition.limit, condition.offset, condition.order_by or []))
        condition = self._condition(condition)
        return self._derive(self._query.restrict(condition))

    def _condition(self, condition):
        """A condition as the engine takes it."""
        if condition is None:
            raise DataJointError("Invalid restriction type None")
        if isinstance(condition, type) and issubclass(condition, QueryExpression):
            condition = condition()
        if isinstance(condition, QueryExpression):
            assert_same_connection(self, condition)
            return condition._query
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
            raise DataJointError(f"Invalid restriction type {type(condition).__name__}") from None

    def __and__(self, condition):
        return self.restrict(condition)

    def __sub__(self, condition):
        condition = self._condition(condition)
        return self._derive(self._query.exclude(condition))

    def __neg__(self):
        return Not(self)

    def proj(self, *attributes, **named):
        """Other attributes of the same rows; the primary key is always kept."""
        keep = ["..." if attribute is Ellipsis else attribute for attribute in attributes]
        for attribute in [*keep, *named.values()]:
            if not isinstance(attribute, str):
                raise DataJointError(f"{attribute} is not a valid data type for an attribute in .proj")
        return self._derive(self._query.proj(keep, list(named.items())))

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

    def preview(self, limit=None, width=None):
        """The first rows as text."""
        return preview.text(self, limit, width)

    def _shown(self):
        return self._query.make_sql()

    def __repr__(self):
        return preview.text(self)

    def _repr_html_(self):
        return preview.html(self)


def assert_same_connection(one, other):
    """Refuses to put queries of two databases together."""
    if one.connection is not other.connection:
        raise DataJointError(
            "Cannot operate on expressions from different connections. Both must use the same connection."
        )
