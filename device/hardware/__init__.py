"""Hook switch, keypad, dial, ringer, lamps, relays and buttons on the lines of a GPIO chip, real or simulated."""
