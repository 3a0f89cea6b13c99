"""The Session Initiation Protocol (RFC 3261 and its extensions), pure: bytes, events and the time in; the same out."""
