"""Measures over cases, their spread, and the report."""
