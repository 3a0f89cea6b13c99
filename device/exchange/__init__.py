"""A small telephone exchange: registrar, location service and stateful proxy of RFC 3261, pure. Knows no socket."""
