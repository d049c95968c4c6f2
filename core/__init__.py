"""The headless half of Common Ground: numpy, scipy, pyproj and GDAL, never QGIS."""
