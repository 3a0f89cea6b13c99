"""Tests of device.store."""
