"""Sound cards and their stand-ins, and the one audio thread that runs them. No SIP, no SDP, no storage here."""
