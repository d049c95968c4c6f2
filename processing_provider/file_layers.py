"""A layer for each file that was read, all of them or none."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

from ..core.errors import OutputError
from ..core.raster.writing import prepare_folder
from .whole_sink import WholeSink, move_whole

SHOWN = 3


class FileLayers:
    """GeoPackages in a folder, named as the files; use as a context manager, `paths` are theirs once it has ended well.

    They are written in a folder beside and moved when all are whole. Files without a point get no layer.
    """

    def __init__(self, algorithm, folder: str, context):
        self._algorithm, self._folder, self._context = algorithm, folder, context
        self._staged = ""
        self.paths: list[str] = []

    def __enter__(self) -> FileLayers:
        if os.path.isfile(self._folder):
            raise OutputError(f"{self._folder} is a file: choose a folder for OUTPUT_FOLDER.")
        try:
            self._staged = tempfile.mkdtemp(prefix=".commonground-",
                                            dir=prepare_folder(os.path.join(self._folder, "layer")))
        except OSError as error:
            raise OutputError(f"Cannot write into {self._folder}: {error.strerror}. Choose a folder that can be "
                              "written.") from error
        return self

    @contextmanager
    def layer(self, file: str, *structure):
        """A sink for the points of a file; structure: fields, geometry type, CRS."""
        path = os.path.join(self._staged, layer_name(file))
        with WholeSink(self._algorithm, {"OUTPUT": path}, "OUTPUT", self._context, *structure) as sink:
            yield sink
        if sink.count:
            self.paths.append(os.path.join(self._folder, layer_name(file)))
        else:
            os.remove(path)

    def __exit__(self, kind, error, trace) -> None:
        try:
            if kind is None:
                move_whole(self._staged, self._folder)
        except OSError as failure:
            raise OutputError(f"Cannot write into {self._folder}: {failure.strerror}. Are its layers open "
                              "elsewhere?") from failure
        finally:
            shutil.rmtree(self._staged, ignore_errors=True)


def layer_name(file: str) -> str:
    """The name of a file's layer.

    >>> layer_name("/data/ILATM1B_20140430_110310.ATM4BT4.h5")
    'ILATM1B_20140430_110310.ATM4BT4.gpkg'
    """
    return f"{Path(file).stem}.gpkg"


def refuse_same_names(files: list) -> None:
    """Raise OutputError where two files would become one layer."""
    counts = Counter(layer_name(file).lower() for file in files)
    several = [file for file in files if counts[layer_name(file).lower()] > 1]
    if several:
        raise OutputError(f"{', '.join(several[:SHOWN])} would become layers of the same name: rename one, or leave "
                          "OUTPUT_FOLDER empty.")
