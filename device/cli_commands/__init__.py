"""The verbs of the `offhook` command that ask the daemon over its control socket, by what they are about."""
