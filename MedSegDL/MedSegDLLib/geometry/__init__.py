"""Where voxels lie: grids, resampling in physical space, boxes, alignment. Knows no files and no networks."""
