"""What is minimised, the loop, its state on disk, and the weights that come out."""
