"""Results arrive styled, however they are run."""

import json
import sys
import time
from pathlib import Path

import pytest

qgis_core = pytest.importorskip("qgis.core")

LIMIT = 3.5
RUN_FACTS = {"title": "a onto b", "created": "2026-01-02T03:04:05", "reference": "a", "secondary": "b",
             "nmad_before": 3.0, "nmad_after": 2.0, "median_before": -0.6, "median_after": float("nan"),
             "shift": [1.0, -2.0, 0.5], "blocks_used": 2, "blocks": 4,
             "histogram": {"edges": [-1, 0, 1], "before": [5, 6], "after": [3, 8]}}
BLOCKS = [("used", 3.0, 4.0, -1.234), ("downweighted", -1.0, 0.0, 0.004), ("rejected", 300.0, 400.0, 9.0),
          ("filled", 0.5, 0.5, None)]


def scratch_provider(limit=LIMIT):
    """A provider of one algorithm that writes a difference, a DEM and block shifts, styled as ours are."""
    import numpy as np
    from commonground.processing_provider import styling
    from commonground.processing_provider.shifts_layer import fields
    from osgeo import gdal, osr
    from qgis.core import (
        QgsCoordinateReferenceSystem,
        QgsFeature,
        QgsGeometry,
        QgsProcessingAlgorithm,
        QgsProcessingParameterFeatureSink,
        QgsProcessingParameterRasterDestination,
        QgsProcessingProvider,
        QgsRectangle,
        QgsWkbTypes,
    )

    def write(path, values):
        reference = osr.SpatialReference()
        reference.ImportFromEPSG(32611)
        dataset = gdal.GetDriverByName("GTiff").Create(path, 40, 40, 1, gdal.GDT_Float32)
        dataset.SetGeoTransform((500000, 100, 0, 3804000, 0, -100))
        dataset.SetSpatialRef(reference)
        dataset.GetRasterBand(1).SetNoDataValue(-9999)
        dataset.GetRasterBand(1).WriteArray(values)

    class Scratch(QgsProcessingAlgorithm):
        def createInstance(self):
            return Scratch()

        def name(self):
            return "scratch"

        def displayName(self):
            return "Scratch"

        def initAlgorithm(self, configuration=None):
            sink, raster = QgsProcessingParameterFeatureSink, QgsProcessingParameterRasterDestination
            for name in ("A_SHIFTS", "B_DIFFERENCE", "C_DEM"):
                kind = sink if name == "A_SHIFTS" else raster
                self.addParameter(kind(name, name, optional=True, createByDefault=False))

        def processAlgorithm(self, parameters, context, feedback):
            crs = QgsCoordinateReferenceSystem("EPSG:32611")
            sink, destination = self.parameterAsSink(parameters, "A_SHIFTS", context, fields(),
                                                     QgsWkbTypes.Type.Polygon, crs)
            for index, (status, dx, dy, dz) in enumerate(BLOCKS if sink else ()):
                row, col = divmod(index, 2)
                feature = QgsFeature(fields())
                feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(
                    500000 + 2000 * col, 3802000 - 2000 * row, 502000 + 2000 * col, 3804000 - 2000 * row)))
                for name, value in {"row": row, "col": col, "dx": dx, "dy": dy, "dz": dz, "n": 9,
                                    "status": status}.items():
                    feature[name] = value
                sink.addFeature(feature)
            del sink
            results = {"A_SHIFTS": destination} if destination else {}
            if destination:
                styling.style_shifts(context, destination, RUN_FACTS)
            ramp = np.linspace(-5, 5, 1600).reshape(40, 40)
            for name, style in (("B_DIFFERENCE", lambda path: styling.style_difference(context, path, limit)),
                                ("C_DEM", lambda path: styling.style_dem(context, path))):
                path = self.parameterAsOutputLayer(parameters, name, context)
                if path:
                    write(path, ramp)
                    style(path)
                    results[name] = path
            return results

    class ScratchProvider(QgsProcessingProvider):
        def id(self):
            return "commongroundscratch"

        def name(self):
            return "Scratch"

        def loadAlgorithms(self):
            self.addAlgorithm(Scratch())

    return ScratchProvider()


@pytest.fixture(scope="module")
def scratch(qgis_app):
    from qgis.core import QgsApplication

    folder = str(Path(QgsApplication.pkgDataPath()) / "python" / "plugins")
    if folder not in sys.path:
        sys.path.append(folder)
    from processing.core.Processing import Processing

    Processing.initialize()
    provider = scratch_provider()
    QgsApplication.processingRegistry().addProvider(provider)
    yield "commongroundscratch:scratch"
    QgsApplication.processingRegistry().removeProvider(provider)


@pytest.fixture
def project(qgis_app):
    project = qgis_core.QgsProject.instance()
    project.clear()
    yield project
    project.clear()


def load(scratch, tmp_path, **more):
    import processing

    asked = {"A_SHIFTS": str(tmp_path / "shifts.gpkg"), "B_DIFFERENCE": str(tmp_path / "dh \u00e9.tif"),
             "C_DEM": str(tmp_path / "dem.tif"), **more}
    processing.runAndLoadResults(scratch, {name: value for name, value in asked.items() if value})
    return loaded()


def loaded():
    layers = qgis_core.QgsProject.instance().mapLayers().values()
    shifts = [layer for layer in layers if isinstance(layer, qgis_core.QgsVectorLayer)]
    rasters = [layer for layer in layers if isinstance(layer, qgis_core.QgsRasterLayer)]
    return shifts, {layer.name(): layer for layer in rasters}


def assert_difference(layer):
    renderer = layer.renderer()
    assert isinstance(renderer, qgis_core.QgsSingleBandPseudoColorRenderer)
    assert (renderer.classificationMin(), renderer.classificationMax()) == (-LIMIT, LIMIT)
    shader = renderer.shader().rasterShaderFunction()
    assert shader.colorRampType() == qgis_core.QgsColorRampShader.Type.Interpolated
    items = shader.colorRampItemList()
    assert [round(item.value, 6) for item in items] == [round(-LIMIT + 0.7 * step, 6) for step in range(11)]
    low, middle, high = items[0].color, items[5].color, items[-1].color
    assert low.red() > 2 * low.blue() and high.blue() > 2 * high.red(), "negative red, positive blue"
    assert middle.name() == "#ffffbf" and items[5].value == 0.0


def test_results_arrive_styled(scratch, project, tmp_path):
    (shifts,), rasters = load(scratch, tmp_path)
    assert sorted(rasters) == ["B_DIFFERENCE", "C_DEM"] and shifts.name() == "A_SHIFTS"
    assert_difference(rasters["B_DIFFERENCE"])
    assert isinstance(rasters["C_DEM"].renderer(), qgis_core.QgsHillshadeRenderer)
    renderer = shifts.renderer()
    assert isinstance(renderer, qgis_core.QgsCategorizedSymbolRenderer)
    assert renderer.classAttribute() == "status"
    statuses = [category.value() for category in renderer.categories()]
    assert statuses == ["used", "downweighted", "rejected", "filled"]
    assert renderer.categories()[0].label() == "used: 1, up to 5.00 m"
    assert shifts.labelsEnabled()


def evaluate(layer, text, index):
    context = qgis_core.QgsExpressionContext(
        qgis_core.QgsExpressionContextUtils.globalProjectLayerScopes(layer))
    context.setFeature(sorted(layer.getFeatures(), key=lambda f: (f["row"], f["col"]))[index])
    expression = qgis_core.QgsExpression(text)
    value = expression.evaluate(context)
    assert not expression.hasEvalError(), expression.evalErrorString()
    return value


def arrow_tip(layer, index):
    """From the block's centre to the arrow's tip, map units."""
    category = layer.renderer().categories()[0]
    text = category.symbol().symbolLayer(1).geometryExpression()
    arrow = evaluate(layer, text, index)
    centre = evaluate(layer, "centroid($geometry)", index).asPoint()
    tip = arrow.asPolygon()[0][3]
    return tip.x() - centre.x(), tip.y() - centre.y()


def test_arrows_point_where_the_secondary_goes(scratch, project, tmp_path):
    (layer,), _ = load(scratch, tmp_path)
    assert arrow_tip(layer, 0) == pytest.approx((0.6 * 1600, 0.8 * 1600)), "the longest good one: 0.8 blocks"
    assert arrow_tip(layer, 1) == pytest.approx((-1600 / 5, 0), abs=1e-6)
    assert arrow_tip(layer, 2) == pytest.approx((0.6 * 1600, 0.8 * 1600)), "a wild rejected block is cut"


def test_labels_say_dz_with_sign(scratch, project, tmp_path):
    (layer,), _ = load(scratch, tmp_path)
    text = layer.labeling().settings().fieldName
    assert evaluate(layer, text, 0) == "\u22121.23"
    assert evaluate(layer, text, 1) == "0.00"
    assert evaluate(layer, text, 2) == "+9.00"
    assert not evaluate(layer, text, 3)


def test_arrows_in_degrees_keep_their_bearing(qgis_app):
    from commonground.processing_provider import styling

    layer = qgis_core.QgsVectorLayer("Polygon?crs=EPSG:4326&field=row:int&field=col:int&field=dx:double"
                                     "&field=dy:double&field=dz:double&field=status:string", "s", "memory")
    features = []
    for col, (dx, dy) in enumerate(((2.0, 2.0), (0.0, 1.0))):
        feature = qgis_core.QgsFeature(layer.fields())
        feature.setGeometry(qgis_core.QgsGeometry.fromRect(
            qgis_core.QgsRectangle(10 + 0.1 * col, 59.95, 10.1 + 0.1 * col, 60.05)))
        feature.setAttributes([0, col, dx, dy, 0.0, "used"])
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    styling._shifts(layer, "{}")
    east, north = arrow_tip(layer, 0)
    assert east == pytest.approx(2 * north, rel=1e-6), "at 60 degrees a metre east is twice the degrees"
    assert (east**2 + north**2) ** 0.5 == pytest.approx(0.08)


def test_the_picture_shows_arrows_of_every_status(scratch, project, tmp_path):
    from qgis.PyQt.QtCore import QSize

    (layer,), _ = load(scratch, tmp_path)
    settings = qgis_core.QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(layer.crs())
    settings.setExtent(layer.extent().buffered(500))
    settings.setOutputSize(QSize(400, 400))
    job = qgis_core.QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    colours = {image.pixelColor(x, y).name() for x in range(0, 400) for y in range(0, 400)}
    assert {"#0072b2", "#e69f00", "#d55e00", "#6e6e6e"} <= colours


def test_the_run_stays_on_the_layer(scratch, project, tmp_path):
    from commonground.processing_provider.styling import RUN

    (layer,), _ = load(scratch, tmp_path)
    facts = json.loads(layer.customProperty(RUN))
    assert facts["shift"] == [1.0, -2.0, 0.5] and facts["blocks"] == 4
    path = str(tmp_path / "project.qgz")
    assert project.write(path)
    project.clear()
    assert project.read(path)
    (again,), rasters = loaded()
    assert json.loads(again.customProperty(RUN))["histogram"] == RUN_FACTS["histogram"]
    assert_difference(rasters["B_DIFFERENCE"])


def test_memory_layers_are_styled_too(scratch, project, tmp_path):
    (layer,), _ = load(scratch, tmp_path, A_SHIFTS="memory:")
    assert layer.dataProvider().name() == "memory"
    assert isinstance(layer.renderer(), qgis_core.QgsCategorizedSymbolRenderer)


def test_nothing_happens_where_nothing_is_loaded(scratch, project, tmp_path):
    import processing
    from commonground.processing_provider import styling

    before = len(styling._alive)
    processing.run(scratch, {"B_DIFFERENCE": str(tmp_path / "dh.tif")})
    styling.style_difference(qgis_core.QgsProcessingContext(), "", LIMIT)
    assert len(styling._alive) == before and not project.mapLayers()


def test_styling_survives_the_threaded_run(scratch, project, tmp_path):
    """As the algorithm dialog does it: in a task, the results handled when it is done."""
    from processing.gui.Postprocessing import handleAlgorithmResults

    algorithm = qgis_core.QgsApplication.processingRegistry().createAlgorithmById(scratch)
    context, feedback = qgis_core.QgsProcessingContext(), qgis_core.QgsProcessingFeedback()
    context.setProject(project)
    names = ("A_SHIFTS", "B_DIFFERENCE", "C_DEM")
    parameters = {
        name: qgis_core.QgsProcessingOutputLayerDefinition(
            str(tmp_path / f"{name}.{'gpkg' if name == 'A_SHIFTS' else 'tif'}"), project) for name in names}
    done = []
    task = qgis_core.QgsProcessingAlgRunnerTask(algorithm, parameters, context, feedback)
    task.executed.connect(lambda good, results: done.append(good))
    qgis_core.QgsApplication.taskManager().addTask(task)
    end = time.monotonic() + 30
    while not done and time.monotonic() < end:
        qgis_core.QgsApplication.processEvents()
        time.sleep(0.01)
    assert done == [True]
    assert handleAlgorithmResults(algorithm, context, feedback, parameters=parameters)
    (shifts,), rasters = loaded()
    assert isinstance(shifts.renderer(), qgis_core.QgsCategorizedSymbolRenderer)
    assert_difference(rasters["B_DIFFERENCE"])


def test_styling_survives_a_model(scratch, project, tmp_path):
    import processing

    model = qgis_core.QgsProcessingModelAlgorithm("m", "m")
    child = qgis_core.QgsProcessingModelChildAlgorithm(scratch)
    child.setChildId("child")
    outputs = {}
    for name in ("A_SHIFTS", "B_DIFFERENCE"):
        output = qgis_core.QgsProcessingModelOutput(name, name)
        output.setChildId("child")
        output.setChildOutputName(name)
        outputs[name] = output
    child.setModelOutputs(outputs)
    model.addChildAlgorithm(child)
    model.updateDestinationParameters()
    # "child:A_SHIFTS" on QGIS 3.22, "a_shifts" where models are of the second version.
    shifts, difference = sorted(definition.name() for definition in model.destinationParameterDefinitions())
    processing.runAndLoadResults(model, {shifts: str(tmp_path / "s.gpkg"), difference: str(tmp_path / "d.tif")})
    (shifts,), rasters = loaded()
    assert isinstance(shifts.renderer(), qgis_core.QgsCategorizedSymbolRenderer)
    assert_difference(next(iter(rasters.values())))


def tree(project):
    return [node.name() for node in project.layerTreeRoot().children()]


def test_arrows_lie_above_differences_above_hillshades(scratch, project, tmp_path):
    # Processing loads by file name, each on top of the one before.
    load(scratch, tmp_path, A_SHIFTS=str(tmp_path / "1.gpkg"), B_DIFFERENCE=str(tmp_path / "2.tif"),
         C_DEM=str(tmp_path / "3.tif"))
    assert tree(project) == ["C_DEM", "B_DIFFERENCE", "A_SHIFTS"]
    qgis_core.QgsApplication.processEvents()
    assert tree(project) == ["A_SHIFTS", "B_DIFFERENCE", "C_DEM"]
    assert len(project.mapLayers()) == 3
    load(scratch, tmp_path, A_SHIFTS=str(tmp_path / "4.gpkg"), B_DIFFERENCE=str(tmp_path / "5.tif"),
         C_DEM=None)
    qgis_core.QgsApplication.processEvents()
    again = ["A_SHIFTS", "B_DIFFERENCE"]
    assert tree(project) == [*again, "A_SHIFTS", "B_DIFFERENCE", "C_DEM"], "each run for itself"
    assert len(project.mapLayers()) == 5


def test_an_unserialisable_run_is_told_at_once(scratch, project):
    from commonground.processing_provider import styling

    with pytest.raises(TypeError):
        styling.style_shifts(qgis_core.QgsProcessingContext(), "x", {"blocks": object()})
