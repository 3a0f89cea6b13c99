"""The way out to a bigger system: tables and server configurations for Kamailio, OpenSIPS and Asterisk. Pure."""
