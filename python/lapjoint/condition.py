"""Conditions that are more than a dict, a list or a text."""


class AndList(list):
    """Conditions that must all hold."""


class Not:
    """The opposite of a condition."""

    def __init__(self, restriction):
        self.restriction_of_not = restriction


class Top:
    """The first rows in an order."""

    def __init__(self, limit=1, order_by="KEY", offset=0):
        if not (limit is None or isinstance(limit, int)):
            raise TypeError("Top limit must be an integer")
        if not isinstance(offset, int):
            raise TypeError("The offset argument must be an integer")
        order_by = [order_by] if isinstance(order_by, str) else list(order_by or [])
        if not all(isinstance(term, str) for term in order_by):
            raise TypeError("Top order_by attributes must all be strings")
        self.limit, self.order_by, self.offset = limit, order_by, offset
