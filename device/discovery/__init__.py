"""Boards of one network that find each other and agree on one exchange: `offhook discovery`, a program of its own.

Announcements, the election and the agreement on a password are pure; around them stand the system's mDNS daemon, a port
where boards enrol, the exchange as a child, and the phone's control socket.
"""
