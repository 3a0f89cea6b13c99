"""Arbitrary bytes for everything that reads from the network: see README.md here."""
