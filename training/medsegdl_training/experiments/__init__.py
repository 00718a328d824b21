"""Comparisons at equal steps or seconds: networks, synthesis, label efficiency, speed."""
