"""RTP and RTCP (RFC 3550, 3551) and telephone events (RFC 4733), pure: bytes and times in, bytes out."""
