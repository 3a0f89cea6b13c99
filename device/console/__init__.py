"""The technician's console, on a serial line or any terminal. A process of its own: it knows the phone only through the
control socket. The rules (keys, lines, pages, commands) are pure; terminal, serial_port and main do the IO.
"""
