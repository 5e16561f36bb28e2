"""Clients of vendors' and servers' interfaces, one file per wire, and how a send can fail."""

from ggt.errors import GgtError


class SendError(GgtError):
    """A send that brought no answer; the subclass says what that means for the bill."""


class UnbilledError(SendError):
    """The provider documents this failure as free: the same call may be sent again after `delay_s`."""

    def __init__(self, message: str, *, delay_s: float = 0.0) -> None:
        super().__init__(message)
        self.delay_s = delay_s


class InDoubtError(SendError):
    """The request left and no answer came: it may have been billed, so it is never repeated blindly."""


class ProviderStopError(SendError):
    """The provider takes no more for now (key, account, daily limit): the run stops and can be resumed."""
