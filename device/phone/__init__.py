"""What the person at the desk sees and hears: call control of one line, pure; knows no SIP header."""
