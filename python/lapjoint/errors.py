"""Exceptions, by DataJoint's names."""


class DataJointError(Exception):
    """Base of all errors of the engine."""

    def suggest(self, *args):
        """The same error with further arguments."""
        return self.__class__(*(self.args + args))


class LostConnectionError(DataJointError):
    """The connection to the database is lost."""


class QueryError(DataJointError):
    """A query failed."""


class QuerySyntaxError(QueryError):
    """The database does not understand a statement."""


class AccessError(QueryError):
    """A privilege is missing."""


class DuplicateError(QueryError):
    """A key is already there."""


class IntegrityError(QueryError):
    """A reference would be violated, or an object is damaged."""


class UnknownAttributeError(QueryError):
    """An attribute is not there."""


class MissingAttributeError(QueryError):
    """An attribute needs a value."""


class MissingTableError(DataJointError):
    """A table is not there."""


class MissingExternalFile(DataJointError):
    """An object is not in its store."""


class BucketInaccessible(DataJointError):
    """A bucket cannot be reached."""


class ThreadSafetyError(DataJointError):
    """Global state is switched off."""
