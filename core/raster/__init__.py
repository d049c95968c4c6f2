"""Rasters as grids and windows: where cells lie, how they are read, sampled and written."""
