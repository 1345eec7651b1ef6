"""A function's arguments as the JSON that is judged, and redacted JSON as arguments again."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import decimal
import enum
import inspect
import pathlib
import uuid
from collections.abc import Callable, Collection
from typing import Any

from .errors import BlockedError, ConfigurationError

_AS_TEXT = (datetime.date, datetime.time, datetime.timedelta, decimal.Decimal, pathlib.PurePath, uuid.UUID)


class Arguments:
    """One call's arguments. ``body`` is what is judged: a map of their names, without ``self``, ``cls`` and excluded ones."""

    def __init__(self, bound: inspect.BoundArguments, unjudged: Collection[str]) -> None:
        self._bound = bound
        self._unjudged = unjudged
        self.body = self._read()

    def _read(self) -> dict[str, Any]:
        body: dict[str, Any] = {}
        for name, value in self._judged():
            for key, each in self._keywords(value).items() if self._is_keywords(name) else ((name, value),):
                if key in body:
                    raise TypeError(f"two arguments are called `{key}`: which one is meant cannot be told")
                body[key] = to_json(each, key)
        return body

    def require_unchanged(self) -> None:
        """Raises BlockedError when an argument is another than it was when it was judged: another thread may hold it too."""
        if self._read() != self.body:
            raise BlockedError("an argument changed while the call was judged", code="CHANGED_MEANWHILE")

    def _judged(self) -> list[tuple[str, Any]]:
        return [(name, value) for name, value in self._bound.arguments.items() if name not in self._unjudged]

    def _is_keywords(self, name: str) -> bool:
        return self._bound.signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD

    def _keywords(self, value: dict[str, Any]) -> dict[str, Any]:
        return {key: each for key, each in value.items() if key not in self._unjudged}

    def redact(self, sanitized: Any) -> None:
        """Puts the redacted values in. Raises BlockedError where that cannot be done: then the call must not be made."""
        if not isinstance(sanitized, dict) or sanitized.keys() != self.body.keys():
            raise _cannot_sanitize("the redacted body does not have the names of the arguments")
        for name, value in self._judged():
            if self._is_keywords(name):
                judged = self._keywords(value).items()
                redacted = {**value, **{key: rebuild(each, sanitized[key], key) for key, each in judged}}
            else:
                redacted = rebuild(value, sanitized[name], name)
            self._bound.arguments[name] = redacted

    @property
    def positional(self) -> tuple[Any, ...]:
        return self._bound.args

    @property
    def named(self) -> dict[str, Any]:
        return self._bound.kwargs


class ArgumentReader:
    """Reads the arguments of calls of one function."""

    def __init__(self, function: Callable[..., Any], exclude: Collection[str]) -> None:
        self._signature = inspect.signature(function)
        names = list(self._signature.parameters)
        unknown = sorted(set(exclude) - set(names))
        kinds = {parameter.kind for parameter in self._signature.parameters.values()}
        if unknown and inspect.Parameter.VAR_KEYWORD not in kinds:
            raise ConfigurationError(f"exclude names `{unknown[0]}`, which is no parameter of the function")
        self._unjudged = {*exclude, *(name for name in names[:1] if name in ("self", "cls"))}

    def read(self, positional: tuple[Any, ...], named: dict[str, Any]) -> Arguments:
        """Raises TypeError for arguments that the function does not take, or that cannot be judged."""
        bound = self._signature.bind(*positional, **named)
        bound.apply_defaults()
        return Arguments(bound, self._unjudged)


def to_json(value: Any, name: str) -> Any:
    """Raises TypeError for a value whose content cannot be seen."""
    if value is None or isinstance(value, (str, int, float)) and not isinstance(value, enum.Enum):
        return value
    if isinstance(value, dict):
        # The content itself, whatever a subclass makes of it.
        for key in dict.keys(value):
            if not isinstance(key, str):
                raise TypeError(f"argument `{name}` has a key that is no text: {type(key).__name__}")
        return {key: to_json(each, name) for key, each in dict.items(value)}
    if isinstance(value, (list, tuple)):
        held = list.__iter__(value) if isinstance(value, list) else tuple.__iter__(value)
        return [to_json(each, name) for each in held]
    if isinstance(value, (set, frozenset)):
        return sorted((to_json(each, name) for each in value), key=repr)
    if isinstance(value, enum.Enum):
        return to_json(value.value, name)
    if isinstance(value, (bytes, bytearray)):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    if isinstance(value, _AS_TEXT):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: to_json(getattr(value, each.name), name) for each in dataclasses.fields(value)}
    if callable(getattr(value, "model_dump", None)):  # pydantic
        return _content_of_model(value, name)
    raise TypeError(
        f"argument `{name}` is a {type(value).__name__}, whose content cannot be judged: pass plain values,"
        f" or leave it out of the scan with exclude=[{name!r}]"
    )


def _content_of_model(model: Any, name: str) -> Any:
    """As the model shows itself, and with the fields that it leaves out: the function reads those too."""
    shown = to_json(model.model_dump(mode="json"), name)
    if isinstance(shown, dict):
        for field in getattr(type(model), "model_fields", ()):
            content = getattr(model, field)
            if callable(getattr(content, "model_dump", None)) or field not in shown:
                shown[field] = to_json(content, name)
    return shown


def rebuild(original: Any, redacted: Any, name: str) -> Any:
    """The original with the redacted content, in the original's type."""
    judged = to_json(original, name)
    if judged == redacted and type(judged) is type(redacted):
        return original
    if isinstance(original, dict) and isinstance(redacted, dict) and original.keys() == redacted.keys():
        return {key: rebuild(value, redacted[key], name) for key, value in original.items()}
    if isinstance(original, (list, tuple)) and isinstance(redacted, list) and len(original) == len(redacted):
        parts = [rebuild(old, new, name) for old, new in zip(original, redacted)]
        return parts if type(original) is list else tuple(parts)
    if type(original) is bytes and isinstance(redacted, str) and original == judged.encode():
        return redacted.encode()
    if dataclasses.is_dataclass(original) and isinstance(redacted, dict):
        changes = {key: rebuild(getattr(original, key), value, name) for key, value in redacted.items()}
        return dataclasses.replace(original, **changes)  # type: ignore[type-var]
    if callable(getattr(original, "model_validate", None)):
        return type(original).model_validate(redacted)
    if _is_plain(original):
        return redacted
    raise _cannot_sanitize(f"argument `{name}` is a {type(original).__name__}, which cannot take a redacted value")


def _is_plain(value: Any) -> bool:
    if type(value) in (list, dict):
        return all(map(_is_plain, value.values() if isinstance(value, dict) else value))
    return value is None or type(value) in (str, int, float, bool)


def _cannot_sanitize(reason: str) -> BlockedError:
    return BlockedError(f"the call must be redacted and cannot be: {reason}", code="CANNOT_SANITIZE")
