"""How results look on the map; nothing happens where a result is not loaded into a project (`qgis_process`).

Processing calls a post-processor in the main thread, once the layer is there. Colours hold for colour-blind
readers: RdYlBu about zero for differences as in the report, Okabe and Ito's palette for the blocks' statuses.
"""

from __future__ import annotations

import json
import math
from collections import deque

from qgis.core import (
    Qgis,
    QgsBasicNumericFormat,
    QgsCategorizedSymbolRenderer,
    QgsColorBrewerColorRamp,
    QgsColorRampLegendNodeSettings,
    QgsColorRampShader,
    QgsDateTimeRange,
    QgsFillSymbol,
    QgsGeometryGeneratorSymbolLayer,
    QgsHillshadeRenderer,
    QgsPalLayerSettings,
    QgsProcessingContext,
    QgsProcessingLayerPostProcessorInterface,
    QgsProject,
    QgsRasterLayer,
    QgsRasterShader,
    QgsRendererCategory,
    QgsSimpleFillSymbolLayer,
    QgsSingleBandPseudoColorRenderer,
    QgsTextBufferSettings,
    QgsTextFormat,
    QgsUnitTypes,
    QgsVectorLayerSimpleLabeling,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QDate, QDateTime, Qt, QTime, QTimer
from qgis.PyQt.QtGui import QColor

from ..core.report.arrow_map import STATUS_COLOURS
from .base import tr

RUN = "commonground/run"
"""The custom property of a SHIFTS layer that holds its run as JSON; the dock reads it."""

LONGEST = 0.8
"""Length of the longest arrow, in blocks."""
ARROW = "POLYGON((0 -0.022, 0.74 -0.045, 0.70 -0.15, 1 0, 0.70 0.15, 0.74 0.045, 0 0.022, 0 -0.022))"
"""An arrow of length 1 eastwards: drawn as an area, it keeps its shape at every scale and in every CRS."""
CLASSES = 11
METRES_IN_A_DEGREE = 111320.0
TILE_OPACITY = 0.6


def style_difference(context, path: str, limit: float) -> None:
    """Show the difference raster written to `path` from -limit to limit (m), red to blue about zero."""
    _attach(context, path, 1, lambda layer: _difference(layer, limit))


def style_dem(context, path: str) -> None:
    """Show the DEM written to `path` as a hillshade lit from many sides."""
    _attach(context, path, 0, _hillshade)


def expect(context, names: dict) -> None:
    """Have files that are yet to be written loaded under these names (path -> name), where there is a project."""
    if context.project() is not None:
        for path, name in names.items():
            context.addLayerToLoadOnCompletion(path, QgsProcessingContext.LayerDetails(name, context.project(), name))


def expect_no_more(context, paths) -> None:
    """Have these files not loaded."""
    waiting = context.layersToLoadOnCompletion()
    context.setLayersToLoadOnCompletion({path: details for path, details in waiting.items() if path not in paths})


def style_shifts(context, destination: str, run: dict) -> None:
    """Show the SHIFTS layer `destination` (sink id or path) as arrows and keep `run` on it for the dock.

    `run` is what JSON can hold: title, created, reference, secondary, nmad_before, nmad_after, median_before,
    median_after (m), shift [dx, dy, dz] (m), blocks_used, blocks, cells (stable ones compared), histogram
    {edges, before, after}, quantiles {scores, before, after} (m against the standard normal's), layers
    {difference_before, difference_after} (paths, where written).
    """
    text = json.dumps(run, default=float)
    _attach(context, destination, 2, lambda layer: _shifts(layer, text))


def style_tiles(context, destination: str) -> None:
    """Show the SUMMARY of tiles `destination` (sink id or path) by status, with what NMAD each had and has."""
    _attach(context, destination, 2, _tiles)


# Processing keeps only a pointer to a post-processor: Python must hold it until the layer is loaded.
# The bound ends the lives of those whose layers never came.
_alive: deque = deque(maxlen=1000)
_arrived: list = []


class _Styler(QgsProcessingLayerPostProcessorInterface):
    """Does what is to be done with one layer, and puts it at its height among those that arrive with it."""

    def __init__(self):
        super().__init__()
        self.rank, self.steps = None, []

    def postProcessLayer(self, layer, context, feedback):
        for step in self.steps:
            step(layer)
        layer.triggerRepaint()
        layer.emitStyleChanged()
        if self.rank is None:
            return
        if not _arrived:
            QTimer.singleShot(0, _stack)
        _arrived.append((self.rank, layer.id()))


def after_loading(context, destination: str, step) -> None:
    """Have `step(layer)` done when the layer `destination` (sink id or path) is in the project, if it will be."""
    _styler(context, destination, lambda styler: styler.steps.append(step))


def _attach(context, destination: str, rank: int, style) -> None:
    def prepare(styler):
        styler.rank = rank
        # Styled first, described afterwards: a style may set the layer's time.
        styler.steps.insert(0, style)

    _styler(context, destination, prepare)


def _styler(context, destination: str, prepare) -> None:
    if not destination or not context.willLoadLayerOnCompletion(destination):
        return
    details = context.layerToLoadOnCompletionDetails(destination)
    styler = details.postProcessor()
    if not isinstance(styler, _Styler):
        styler = _Styler()
        _alive.append(styler)
        details.setPostProcessor(styler)
    prepare(styler)


def _stack() -> None:
    """Put arrows above differences above hillshades: Processing loads results by their file names."""
    root = QgsProject.instance().layerTreeRoot()
    nodes = [(rank, root.findLayer(layer_id)) for rank, layer_id in _arrived]
    _arrived.clear()
    nodes = [(rank, node) for rank, node in nodes if node is not None]
    for parent in {id(node.parent()): node.parent() for _, node in nodes}.values():
        children = parent.children()
        ours = sorted(((children.index(node), rank, node) for rank, node in nodes if node in children))
        for moved, (place, (_, _, node)) in enumerate(zip(
                (place for place, _, _ in ours), sorted(ours, key=lambda item: -item[1]))):
            parent.insertChildNode(place + moved, node.clone())
        # Only now: a layer that leaves the tree leaves the project.
        for _, _, node in ours:
            parent.removeChildNode(node)


def _difference(layer, limit: float) -> None:
    ramp = QgsColorBrewerColorRamp("RdYlBu", CLASSES)
    shader = QgsColorRampShader(-limit, limit, ramp.clone(), QgsColorRampShader.Type.Interpolated)
    items = []
    for index in range(CLASSES):
        place = index / (CLASSES - 1)
        value = limit * (2 * place - 1)
        items.append(QgsColorRampShader.ColorRampItem(value, ramp.color(place), f"{value:+.2f} m"))
    shader.setColorRampItemList(items)
    number = QgsBasicNumericFormat()
    number.setNumberDecimalPlaces(2)
    number.setShowPlusSign(True)
    legend = QgsColorRampLegendNodeSettings()
    legend.setNumericFormat(number)
    legend.setSuffix(" m")
    shader.setLegendSettings(legend)
    raster_shader = QgsRasterShader(-limit, limit)
    raster_shader.setRasterShaderFunction(shader)
    renderer = QgsSingleBandPseudoColorRenderer(layer.dataProvider(), 1, raster_shader)
    renderer.setClassificationMin(-limit)
    renderer.setClassificationMax(limit)
    layer.setRenderer(renderer)


def _hillshade(layer) -> None:
    renderer = QgsHillshadeRenderer(layer.dataProvider(), 1, 315.0, 45.0)
    renderer.setMultiDirectional(True)
    renderer.setZFactor(1.0 / METRES_IN_A_DEGREE if layer.crs().isGeographic() else 1.0)
    layer.setRenderer(renderer)


def set_time(layer, begin: float, end: float) -> None:
    """Show a layer from `begin` to before `end`, decimal years, where time is controlled."""
    properties = layer.temporalProperties()
    raster = isinstance(layer, QgsRasterLayer)
    properties.setMode((Qgis.RasterTemporalMode if raster else Qgis.VectorTemporalMode).FixedTemporalRange)
    properties.setFixedTemporalRange(QgsDateTimeRange(instant(begin), instant(end), True, False))
    properties.setIsActive(True)


def instant(year: float) -> QDateTime:
    """A decimal year as a moment (UTC)."""
    start = QDateTime(QDate(int(year), 1, 1), QTime(0, 0), Qt.TimeSpec.UTC)
    return start.addSecs(round((year - int(year)) * start.secsTo(start.addYears(1))))


def _shifts(layer, run: str) -> None:
    layer.setCustomProperty(RUN, run)
    geographic, side = layer.crs().isGeographic(), 0.0
    metres, stretched = ({status: [] for status in STATUS_COLOURS} for _ in range(2))
    for feature in layer.getFeatures():
        box = feature.geometry().boundingBox()
        side = max(side, min(box.width(), box.height()))
        if feature["status"] in metres:
            east, north = (_known(feature[name]) for name in ("dx", "dy"))
            metres[feature["status"]].append(math.hypot(east, north))
            if geographic:
                east /= math.cos(math.radians(box.center().y()))
            stretched[feature["status"]].append(math.hypot(east, north))
    # Rejected blocks may lie anywhere: they must not shrink the arrows of the good ones.
    good = [length for status, lengths in stretched.items() if status != "rejected" for length in lengths]
    reach = max(good, default=0.0) or max(stretched["rejected"], default=0.0)
    arrow = _arrow(LONGEST * side / reach if reach > 0 else 0.0, LONGEST * side, geographic)
    layer.setRenderer(QgsCategorizedSymbolRenderer("status", [
        QgsRendererCategory(status, _block_symbol(status, colour, arrow), _legend(status, metres[status]))
        for status, colour in STATUS_COLOURS.items()
    ]))
    layer.setLabeling(QgsVectorLayerSimpleLabeling(_labels()))
    layer.setLabelsEnabled(True)


def _tiles(layer) -> None:
    words = {"done": (tr("done"), "#0072B2"), "unchanged": (tr("unchanged"), "#56B4E9"),
             "refused": (tr("refused"), "#D55E00")}
    layer.setRenderer(QgsCategorizedSymbolRenderer("status", [
        QgsRendererCategory(status, QgsFillSymbol.createSimple({
            "color": colour, "style": "b_diagonal" if status == "refused" else "solid", "outline_color": colour,
            "outline_width": "0.4"}), word) for status, (word, colour) in words.items()]))
    layer.setOpacity(TILE_OPACITY)
    settings = QgsPalLayerSettings()
    settings.fieldName = (
        "\"tile\" || coalesce('\n' || format_number(\"nmad_before\", 2) || ' \u2192 ' || "
        "format_number(\"nmad_after\", 2) || ' m', '')"
    )
    settings.isExpression = True
    settings.setFormat(_text_format())
    layer.setLabeling(QgsVectorLayerSimpleLabeling(settings))
    layer.setLabelsEnabled(True)


def _known(value) -> float:
    """A field's value, 0 where it is NULL or NaN."""
    return value if isinstance(value, float) and math.isfinite(value) else 0.0


def status_word(status: str) -> str:
    """A block's status in the user's language."""
    return {"used": tr("used"), "downweighted": tr("downweighted"), "rejected": tr("rejected"),
            "filled": tr("filled")}[status]


def _legend(status: str, lengths: list) -> str:
    if not lengths:
        return tr("{status}: none").format(status=status_word(status))
    return tr("{status}: {count}, up to {longest} m").format(
        status=status_word(status), count=len(lengths), longest=f"{max(lengths):.2f}")


def _arrow(scale: float, longest: float, geographic: bool) -> str:
    """The expression of a block's arrow from its centre, `scale` map units a metre, cut at `longest`."""
    # A degree of longitude is shorter than one of latitude: else the arrows of a map in degrees would turn.
    east = '"dx" / cos(radians(y(centroid($geometry))))' if geographic else '"dx"'
    return (
        f"with_variable('e', {east}, "
        f"with_variable('l', min({scale!r} * sqrt(@e ^ 2 + \"dy\" ^ 2), {longest!r}), if(@l > 0, "
        f"affine_transform(geom_from_wkt('{ARROW}'), x(centroid($geometry)), y(centroid($geometry)), "
        "degrees(atan2(\"dy\", @e)), @l, @l), NULL)))"
    )


def _block_symbol(status: str, colour: str, arrow: str) -> QgsFillSymbol:
    """A thin block outline, hatched where the field does not lean on the block, under the arrow."""
    outline = {"color": "0,0,0,0", "style": "no", "outline_color": "60,60,60,150", "outline_width": "0.15"}
    if status == "rejected":
        outline.update({"color": "213,94,0,170", "style": "b_diagonal", "outline_color": colour,
                        "outline_width": "0.6"})
    elif status == "filled":
        outline.update({"outline_style": "dot"})
    symbol = QgsFillSymbol.createSimple(outline)
    generator = QgsGeometryGeneratorSymbolLayer.create({"SymbolType": "Fill", "geometryModifier": arrow})
    generator.setSubSymbol(_with_halo(colour))
    symbol.appendSymbolLayer(generator)
    return symbol


def _with_halo(colour: str) -> QgsFillSymbol:
    """An area that stands out from a difference map, whose colours it may share."""
    white = "#ffffff"
    symbol = QgsFillSymbol.createSimple({"color": white, "outline_color": white, "outline_width": "0.7"})
    symbol.appendSymbolLayer(QgsSimpleFillSymbolLayer.create({"color": colour, "outline_style": "no"}))
    return symbol


def _labels() -> QgsPalLayerSettings:
    """dz at the foot of each block, where the arrow seldom is."""
    settings = QgsPalLayerSettings()
    settings.fieldName = (
        "with_variable('z', round(\"dz\", 2), "
        "if(@z > 0, '+', '') || replace(format_number(@z + 0, 2), '-', '\u2212'))"
    )
    settings.isExpression = True
    settings.geometryGeneratorEnabled = True
    settings.geometryGeneratorType = QgsWkbTypes.GeometryType.PointGeometry
    settings.geometryGenerator = (
        "make_point(x(centroid($geometry)), y_min($geometry) + 0.12 * (y_max($geometry) - y_min($geometry)))"
    )
    settings.placement = QgsPalLayerSettings.Placement.OverPoint
    settings.setFormat(_text_format())
    return settings


def _text_format() -> QgsTextFormat:
    text = QgsTextFormat()
    text.setSize(8.5)
    text.setSizeUnit(QgsUnitTypes.RenderUnit.RenderPoints)
    text.setColor(QColor("#222222"))
    halo = QgsTextBufferSettings()
    halo.setEnabled(True)
    halo.setSize(1.0)
    halo.setColor(QColor("#ffffff"))
    text.setBuffer(halo)
    return text
