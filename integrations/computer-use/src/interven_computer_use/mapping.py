"""What a block asks for, as the call that is judged.

Names and inputs are those of Anthropic's tools (<https://docs.claude.com/en/docs/agents-and-tools/tool-use/computer-use-tool>,
`…/bash-tool`, `…/text-editor-tool`); any other ``{"name", "input"}`` is judged by its name.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

#: Method of what an editor does to a file; the command is its input's own.
_EDITOR_METHODS = {"view": "GET", "create": "PUT", "str_replace": "PATCH", "insert": "PATCH", "undo_edit": "PATCH"}
_EDITORS = ("str_replace_based_edit_tool", "str_replace_editor")


def question(name: str, given: dict[str, Any], toolset: str = "") -> tuple[str, str]:
    """Method and URL; the body is the input as it is."""
    path, command = given.get("path"), given.get("command")
    if name == "bash" and isinstance(command, str):
        return "POST", "shell://exec"
    if name in _EDITORS and isinstance(path, str) and command in _EDITOR_METHODS:
        return _EDITOR_METHODS[command], f"file:///{quote(path.lstrip('/'))}"
    action = given.get("action")
    if name == "computer" and isinstance(action, str):
        name = action
    place = "browser_use" if toolset == "browser" else "computer_use"
    return "POST", f"tool://{place}/{quote(name, safe='')}"
