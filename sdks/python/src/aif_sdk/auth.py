"""The module of the 0.6 series; see ``interven``."""

from interven.signing import hmac_sign

__all__ = ["hmac_sign"]
