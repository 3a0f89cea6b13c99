"""The services of the exchange with the world around them: calls, sound, files and commands. Loaded when wanted."""
