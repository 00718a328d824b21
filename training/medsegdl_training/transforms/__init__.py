"""Augmentation: parameters are drawn once and applied apart, so that a sample can be replayed."""
