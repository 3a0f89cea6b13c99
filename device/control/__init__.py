"""The control socket: JSON-RPC 2.0, one object a line, over a Unix socket; the daemon's server and its clients."""
