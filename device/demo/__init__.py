"""The demonstration: two whole phones and an exchange on this machine, told as a story. A client of control sockets."""
