"""What can go wrong, and the exit code that says so."""


class GgtError(Exception):
    """An expected failure: its message says what was wrong, the value, and what to do.

    `exit_code` is what a command returns when the error reaches it: 1, the work ended with failures.
    """

    exit_code = 1


class UsageError(GgtError):
    """A value that the user gave cannot be used; nothing was changed."""

    exit_code = 2


class RecipeError(UsageError):
    """A recipe that cannot be read, or that names a key or value that does not exist."""


class UnknownPluginError(UsageError):
    """A name on the command line or in a recipe that no plugin has."""


class MissingWeightsError(UsageError):
    """Parameters or weights that ggt does not ship and that were not imported yet."""


class MissingExtraError(UsageError):
    """An optional dependency that is not installed; the message holds the install line."""


class SizeMismatchError(UsageError):
    """Two images that must have the same size have not."""


class NotMeasurableError(UsageError):
    """An image for which a metric has no value: too small for it, or without any structure."""


class ImageReadError(GgtError):
    """A file that is not a readable image; nothing of it is used."""


class ImageTooLargeError(ImageReadError):
    """An image whose header promises more pixels than the bound; it was not decoded."""


class StopRunError(GgtError):
    """The run must end now and can be resumed: budget, disk, authentication, an interrupt."""

    exit_code = 3


class BudgetError(StopRunError):
    """The next send could exceed the budget, so it was not made."""


class StorageError(StopRunError):
    """The workspace cannot be written: full disk, no permission, read-only."""


class WorkspaceError(UsageError):
    """The folder is not a workspace, or not one that this version can open."""


class WorkspaceHeldError(WorkspaceError):
    """Another process builds in this workspace; the message says which."""
