"""From probabilities to masks on the reference's own grid: restoring, edges, instances."""
