"""The products by name, and the files of a folder."""

from __future__ import annotations

import os
import re

from ..errors import AltimetryError
from .source import Source

PRODUCTS = ("ATL03", "ATL06", "ATL08", "ATL13", "GLAH06", "ILATM1B", "BLATM1B", "ILVIS2", "CSV")
AUTO = "auto"
_NAMED = re.compile("|".join(PRODUCTS[:-1]), re.IGNORECASE)
_EXTENSIONS = (".h5", ".hdf5", ".he5", ".hdf", ".qi", ".txt", ".csv")


def product_of(path: str) -> str:
    """The product that a file is, by its name or, for a renamed HDF5 file, by what it says; "" where unknown."""
    from .hdf5 import short_name

    found = _NAMED.search(os.path.basename(path))
    if found:
        return found.group(0).upper()
    if path.lower().endswith(".csv"):
        return "CSV"
    if not _is_hdf5(path):
        return ""
    try:
        said = short_name(path).upper()
    except AltimetryError:
        # A damaged file tells nothing; one whose name does not either is none of ours.
        return ""
    return said if said in PRODUCTS else ""


def open_source(path: str, product: str = AUTO, height_column: str = "", frame: str = "") -> Source:
    """A file, its structure checked. Raises AltimetryError.

    frame: used where the file does not tell its own; never against it.
    """
    path = os.fspath(path)
    if product == AUTO:
        product = product_of(path)
        if not product:
            raise AltimetryError(f"{os.path.basename(path)} does not tell what it is: choose PRODUCT "
                                 f"({', '.join(PRODUCTS)}).")
    source = _opened(path, product, height_column)
    if frame and source.frame not in ("", frame):
        source.warnings.append(f"{source.name} is in {source.frame}; FRAME={frame} is not used for it.")
    source.frame = source.frame or frame
    if source.empty:
        source.warnings.append(source.empty)
    if not (source.frame or source.own_frames):
        source.warnings.append(source.frame_problem)
    for test in source.layout.tests:
        if not source.allows(test.path):
            source.warnings.append(f"{source.name} lacks {test.path}: points {test.reason} cannot be told.")
    return source


def _opened(path: str, product: str, height_column: str) -> Source:
    from . import hdf5
    from .csv_points import CsvSource
    from .lvis import LvisSource
    from .qfit import QfitSource

    try:
        if product == "CSV":
            return CsvSource(path, height_column)
        if product == "ILVIS2":
            return LvisSource(path)
        if product == "GLAH06":
            return hdf5.GlasSource(path)
        if product.startswith("ATL"):
            return hdf5.Icesat2Source(path, getattr(hdf5, product))
        return hdf5.AtmSource(path) if _is_hdf5(path) else QfitSource(path, product)
    except OSError as error:
        raise AltimetryError(f"{path} cannot be read: {error.strerror or error}.") from error


def _is_hdf5(path: str) -> bool:
    from .hdf5 import SIGNATURE

    with open(path, "rb") as stream:
        return stream.read(len(SIGNATURE)) == SIGNATURE


def files_of(path: str, product: str = AUTO) -> tuple[list[str], list[str]]:
    """`(files, ignored)`: the file itself, or those below a folder that are of the product, in order of their names.

    Raises AltimetryError where there is none.
    """
    if os.path.isfile(path):
        return [path], []
    if not os.path.isdir(path):
        raise AltimetryError(f"{path} does not exist: choose a file or a folder.")
    found = sorted(os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names
                   if name.lower().endswith(_EXTENSIONS) and not name.startswith("."))
    files = [item for item in found if _wanted(item, product)]
    if not files:
        wanted = "altimetry" if product == AUTO else product
        raise AltimetryError(f"{path} holds no file of {wanted} (by its name): choose another folder, or a single "
                             "file and its PRODUCT.")
    taken = set(files)
    return files, [item for item in found if item not in taken]


def _wanted(path: str, product: str) -> bool:
    """Whether a file of a folder is of the product; of tables, AUTO takes those of points only."""
    from .csv_points import is_table_of_points

    said = product_of(path)
    if product != AUTO:
        return said == product
    return is_table_of_points(path) if said == "CSV" else bool(said)
