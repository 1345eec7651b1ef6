"""The module of the 0.6 series; see ``interven``."""

from interven import Client, IntervenClient, ScanResponse

__all__ = ["Client", "IntervenClient", "ScanResponse"]
