"""Training: samplers of batches, plans, the loop, losses, export of weights."""
