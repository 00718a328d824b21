"""Trained weights against labelled cases: scores, curves, overlays, report."""
