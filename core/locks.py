"""What may be done by one thread at a time."""

import threading

PROJ = threading.RLock()
"""Held while CRS objects are made or asked: PROJ's, below GDAL and pyproj alike, are not for two threads at once."""
