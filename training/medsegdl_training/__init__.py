"""Training of MedSegDL's networks: samplers of batches, augmentation, loss, loop, export, evaluation.

A distribution of its own: nothing here is imported by the extension or by its core.
"""
