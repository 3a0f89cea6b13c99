"""offhook: a SIP desk phone and intercom for ARM Linux boards."""

__version__ = "0.1.0"
