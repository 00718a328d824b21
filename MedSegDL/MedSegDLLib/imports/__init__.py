"""Networks that others trained, made into weights of ours: read what lies beside them, open the checkpoint once, in a child, write both."""
