"""What reading both DEMs and writing one costs in plain GDAL: python bench/floor.py REFERENCE SECONDARY OUTPUT

Both are read and the secondary is written, once, in full-width strips of whole tiles. Prints JSON of what it took.
"""

import argparse
import json
import time

CODECS = {
    "none": [],
    "zstd": ["COMPRESS=ZSTD", "ZSTD_LEVEL=1", "PREDICTOR=2"],
    "deflate": ["COMPRESS=DEFLATE", "ZLEVEL=6", "PREDICTOR=3"],
}
STRIP = 256


def main() -> None:
    """Read, read, write."""
    from osgeo import gdal

    gdal.UseExceptions()
    options = _options()
    start = time.perf_counter(), time.process_time()
    reference, secondary = gdal.Open(options.reference), gdal.Open(options.secondary)
    width, height = secondary.RasterXSize, secondary.RasterYSize
    output = gdal.GetDriverByName("GTiff").Create(options.output, width, height, 1, gdal.GDT_Float32,
                                                  ["TILED=YES", "BIGTIFF=IF_SAFER", *CODECS[options.codec]])
    output.SetGeoTransform(secondary.GetGeoTransform())
    output.SetSpatialRef(secondary.GetSpatialRef())
    for row in range(0, height, STRIP):
        rows = min(STRIP, height - row)
        reference.GetRasterBand(1).ReadAsArray(0, row, width, rows)
        output.GetRasterBand(1).WriteArray(secondary.GetRasterBand(1).ReadAsArray(0, row, width, rows), 0, row)
    output.FlushCache()
    del output
    print(json.dumps({"phases": {"loop": {"wall": time.perf_counter() - start[0],
                                          "cpu": time.process_time() - start[1]}}}))


def _options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reference")
    parser.add_argument("secondary")
    parser.add_argument("output")
    parser.add_argument("--codec", choices=list(CODECS), default="none")
    return parser.parse_args()


if __name__ == "__main__":
    main()
