"""Upgrades of an image with two slots: the state of the slots, signed files, the trial of a new version."""
