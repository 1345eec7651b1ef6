"""The module of the 0.6 series; see ``interven``."""

from interven import ApprovalStatus, InvokeParams, InvokeResponse, MatchedPolicy, RiskInfo

__all__ = ["ApprovalStatus", "InvokeParams", "InvokeResponse", "MatchedPolicy", "RiskInfo"]
