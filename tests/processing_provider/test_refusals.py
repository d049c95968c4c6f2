"""An output never takes an input's place, however the input is given and the algorithm run."""

import pytest

core = pytest.importorskip("qgis.core")
CSV = "lon,lat\n10.5,60.5\n"


@pytest.fixture
def reframing(provider, tmp_path):
    """Reframe ITRF with a delimited text layer whose file is also the output: algorithm, parameters, context."""
    path = tmp_path / "points.csv"
    path.write_text(CSV, encoding="utf-8")
    layer = core.QgsVectorLayer(f"{path.as_uri()}?type=csv&xField=lon&yField=lat&crs=EPSG:7912", "points",
                                "delimitedtext")
    assert layer.featureCount() == 1
    algorithm = core.QgsApplication.processingRegistry().createAlgorithmById("commonground:reframeitrf")
    parameters = {"INPUT": layer, "TARGET_FRAME": "ITRF2000", "EPOCH": "2010", "OUTPUT": str(path)}
    return algorithm, parameters, core.QgsProcessingContext(), path


def test_a_layer_of_any_provider_is_not_overwritten(reframing):
    algorithm, parameters, context, _ = reframing
    good, message = algorithm.checkParameterValues(parameters, context)
    assert not good and message == "OUTPUT would overwrite INPUT: choose another file."


def test_nor_by_a_run_that_nobody_asked_to_check(reframing):
    algorithm, parameters, context, path = reframing
    feedback = core.QgsProcessingFeedback(False)
    _, good = algorithm.run(parameters, context, feedback)
    assert not good and "OUTPUT would overwrite INPUT" in feedback.textLog()
    assert path.read_text(encoding="utf-8") == CSV
