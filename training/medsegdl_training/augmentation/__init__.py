"""Whole batches changed on the device: numbers drawn first, then applied."""
