"""The bench: what the phone costs and how fast it is, beside another phone measured in the same run. `make bench`."""
