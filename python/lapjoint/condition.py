"""Conditions that are more than a dict, a list or a text."""


class AndList(list):
    """Conditions that must all hold."""

    def append(self, restriction):
        """Adds a condition, or the conditions of another list."""
        if isinstance(restriction, AndList):
            self.extend(restriction)
        else:
            super().append(restriction)


class Not:
    """The opposite of a condition."""

    def __init__(self, restriction):
        self.restriction = restriction

    @property
    def restriction_of_not(self):
        """The condition whose opposite this is."""
        restriction = self.restriction
        return restriction() if isinstance(restriction, type) else restriction


class Top:
    """The first rows in an order."""

    def __init__(self, limit=1, order_by="KEY", offset=0):
        if not (limit is None or isinstance(limit, int)):
            raise TypeError("Top limit must be an integer")
        if not isinstance(offset, int):
            raise TypeError("The offset argument must be an integer")
        if order_by is not None:
            order_by = [order_by] if isinstance(order_by, str) else list(order_by)
            if not all(isinstance(term, str) for term in order_by):
                raise TypeError("Top order_by attributes must all be strings")
        if offset and limit is None:
            limit = (1 << 63) - 1
        self.limit, self.order_by, self.offset = limit, order_by, offset

    def __eq__(self, other):
        return isinstance(other, Top) and vars(self) == vars(other)

    def merge(self, other):
        """The rows of `other` among these, when both have one order."""
        if other.order_by is not None and other.order_by != self.order_by:
            return None
        limits = [limit for limit in (self.limit, other.limit) if limit is not None]
        return Top(min(limits) if limits else None, self.order_by, self.offset + other.offset)

    def __repr__(self):
        return f"Top(limit={self.limit}, order_by={self.order_by}, offset={self.offset})"
