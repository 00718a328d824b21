"""From aligned volumes to the network's tensor: foreground, N4, normalisation and the network's grid. Knows no files."""
