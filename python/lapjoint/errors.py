"""Exceptions, by DataJoint's names; those with two bases are also the built-in exception that DataJoint raises there."""


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
    """A reference would be violated."""


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


class ObjectIntegrityError(DataJointError):
    """An object in a store is not what its row says. `lapjoint.objectref.IntegrityError` is this class."""


class UnknownFieldError(UnknownAttributeError, KeyError):
    """A row has a field that the table lacks."""

    __str__ = Exception.__str__  # a KeyError shows its message in quotes


class NotAlterableError(DataJointError, NotImplementedError):
    """A definition changes what `alter` cannot change."""


class SettingNotFoundError(DataJointError, KeyError):
    """There is no setting of this name."""

    __str__ = Exception.__str__


class SettingValueError(DataJointError, ValueError):
    """A setting or a path has a value that it cannot have."""


class CodecValueError(DataJointError, TypeError, ValueError):
    """A value is not what its codec stores."""


class SourceNotFoundError(DataJointError, FileNotFoundError):
    """A file or folder to be stored, or a store's own folder, is not there."""


class SourceIsADirectoryError(DataJointError, IsADirectoryError):
    """A folder was given where a file is needed."""
