"""JSON from anywhere -> values that are what they must be: strict parsing, and frozen dataclasses built by their own type hints."""
