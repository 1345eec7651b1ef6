"""Where an approval stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Optional


@dataclass(frozen=True)
class ApprovalStatus:
    approval_id: str
    #: ``pending``, ``approved``, ``denied``, ``expired``, or ``executed``: approved, and used already.
    status: str
    #: ``ALLOW`` or ``DENY`` once a person has decided.
    decision: Optional[str] = None
    #: RFC 3339.
    decided_at: Optional[str] = None
    expires_at: Optional[str] = None
    remaining_seconds: int = 0
    poll_guidance: Optional[str] = None
    retry_guidance: Optional[str] = None
    error: Optional[str] = None

    @property
    def is_approved(self) -> bool:
        """A yes that can still be used."""
        return self.status == "approved"

    @property
    def is_terminal(self) -> bool:
        """Nothing will change any more."""
        return self.status in ("approved", "denied", "expired", "executed")

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ApprovalStatus:
        known = {each.name: data[each.name] for each in fields(cls) if data.get(each.name) is not None}
        return cls(**{"approval_id": "", "status": "unknown", **known})
