"""What was done to a layer, in its own metadata: QGIS shows it under Properties > Metadata > History."""

from __future__ import annotations

import os

from qgis.core import Qgis, QgsLayerMetadata, QgsProviderRegistry
from qgis.PyQt.QtXml import QDomDocument, QDomImplementation

from ..core.raster.writing import write_text


def history_metadata(entries: list) -> QgsLayerMetadata:
    """Layer metadata that holds nothing but these sentences."""
    metadata = QgsLayerMetadata()
    metadata.setHistory(list(entries))
    return metadata


def write_vector_history(path: str, entries: list) -> str:
    """Write them into a GeoPackage, or beside another file as .qmd; why not, where that fails, else ""."""
    layer = os.path.splitext(os.path.basename(path))[0]
    uri = f"{path}|layername={layer}" if path.lower().endswith(".gpkg") else path
    written, reason = QgsProviderRegistry.instance().saveLayerMetadata("ogr", uri, history_metadata(entries))
    return "" if written else reason


def write_raster_history(path: str, entries: list) -> None:
    """Write them beside a raster as .qmd, where QGIS looks for a layer's metadata. Raises OutputError."""
    kind = QDomImplementation().createDocumentType("qgis", "http://mrcc.com/qgis.dtd", "SYSTEM")
    document = QDomDocument(kind)
    root = document.createElement("qgis")
    root.setAttribute("version", Qgis.QGIS_VERSION)
    history_metadata(entries).writeMetadataXml(root, document)
    document.appendChild(root)
    write_text(f"{os.path.splitext(path)[0]}.qmd", document.toString())
