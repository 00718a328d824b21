"""The command line, one module a command. Prints and exits; nothing below does."""
