"""SIP (RFC 3261 and its extensions), pure: bytes and events in, bytes and events out."""
