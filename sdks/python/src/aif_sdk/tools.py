"""The module of the 0.6 series; see ``interven``."""

from interven import ToolResult, ToolsClient
from interven.tools import GDriveTools, GitHubTools, HttpTools, SlackTools

__all__ = ["GDriveTools", "GitHubTools", "HttpTools", "SlackTools", "ToolResult", "ToolsClient"]
