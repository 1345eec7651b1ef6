"""The module of the 0.6 series; see ``interven``."""

from interven import GateResult, gate, guard

__all__ = ["GateResult", "gate", "guard"]
