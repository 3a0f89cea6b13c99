"""The always-on process: one loop, one inbox, one executor, and the wiring between the rooms."""
