"""Tests of device.control."""
