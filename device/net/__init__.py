"""Sockets: SIP over UDP and TCP, RTP ports, name look-ups. Adapters only; no rule of SIP lives here."""
