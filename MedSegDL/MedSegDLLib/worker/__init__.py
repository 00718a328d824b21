"""The child process that does the work, and the panel's side of it. Knows the protocol, not Qt and not Slicer."""
