"""The module of the 0.6 series; see ``interven``."""

from interven import AifMcpMiddleware

__all__ = ["AifMcpMiddleware"]
