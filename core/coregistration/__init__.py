"""Where the terrain says that a secondary DEM lies: shifts of blocks, a field between them, one warp."""
