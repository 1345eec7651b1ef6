"""The name under which the 0.6 series could be imported too. New code says ``interven``."""

from interven import *  # noqa: F403
from interven import __all__ as _names
from interven import __version__

from .langchain_auto import InterventApprovalRequired, InterventBlockedError
from .langchain_auto import enable_interven as enable_langchain

__all__ = [*_names, "InterventApprovalRequired", "InterventBlockedError", "enable_langchain"]  # noqa: PLE0604
