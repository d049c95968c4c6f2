"""Make models/*.model3 from the algorithms as they are declared now (`make models`).

Only QGIS before 3.32 may make them: later ones write a second version, whose outputs have other names
("aligned_dem", not "coregister:Aligned DEM") that QGIS 3.22 does not know. Later ones read the first version.
"""

import sys
from pathlib import Path

from qgis.core import (
    Qgis,
    QgsApplication,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
)
from qgis.core import QgsProcessingModelChildParameterSource as Source
from qgis.PyQt.QtCore import QPointF, QSizeF

ROOT = Path(__file__).resolve().parents[1]

FRAMES = {"SOURCE_FRAME": "SOURCE_FRAME", "TARGET_FRAME": "TARGET_FRAME", "TARGET_EPOCH": "TARGET_EPOCH",
          "MODEL": "MODEL", "PLATE": "PLATE"}
NEWER = 33200
LABELS = {"REFERENCE": "Reference DEM", "SECONDARY": "Secondary DEM", "SECONDARIES": "DEMs of the series",
          "POINTS": "Points"}
"""How a model calls its layers; all else keeps the label of the algorithm that takes it."""
LENGTH = 'sqrt("d_east" ^ 2 + "d_north" ^ 2 + "d_up" ^ 2)'
MOTION = {name: name for name in ("TARGET_FRAME", "TARGET_EPOCH", "MODEL", "PLATE")}
MODELS = {
    # file name: (title, description,
    #   {child id: (algorithm, title, {parameter: model input}, {parameter: (child, output)},
    #               {parameter: fixed value}, {output: its name})})
    "altimetry_to_frame_epoch": (
        "Altimetry to one frame and epoch",
        "Reads ICESat, IceBridge and ICESat-2 files and brings every point from its own frame and date into one "
        "frame and epoch. Points whose frame no file names, or that lie on no plate of the model, are left out and "
        "counted.", {
            "import": ("commonground:importaltimetry", "Import",
                       {name: name for name in ("INPUT", "PRODUCT", "EXTENT", "START", "END", "QUALITY", "FRAME")},
                       {}, {}, {}),
            "reframe": ("commonground:reframeitrf", "Reframe", MOTION, {"INPUT": ("import", "OUTPUT")},
                        {"SOURCE_FRAME_FIELD": "frame", "EPOCH_FIELD": "epoch", "HEIGHT_FIELD": "height",
                         "UNRESOLVED": "skip"}, {"OUTPUT": "Points", "REPORT": "Report"}),
        }),
    "points_to_frame_epoch": (
        "Points to a frame and epoch",
        "Brings points of many dates into one frame and epoch and adds the length of the way that each has gone as "
        "the field displacement (m). Points without an epoch or a plate are left out and counted.", {
            "reframe": ("commonground:reframeitrf", "Reframe",
                        {"INPUT": "POINTS", **FRAMES, "EPOCH": "EPOCH", "EPOCH_FIELD": "EPOCH_FIELD",
                         "HEIGHT_FIELD": "HEIGHT_FIELD"},
                        {}, {"UNRESOLVED": "skip"}, {"REPORT": "Report"}),
            "displacement": ("native:fieldcalculator", "Displacement", {}, {"INPUT": ("reframe", "OUTPUT")},
                             {"FIELD_NAME": "displacement", "FIELD_TYPE": 0, "FORMULA": LENGTH},
                             {"OUTPUT": "Moved points"}),
        }),
    "reframe_coregister_report": (
        "DEM pair made comparable",
        "Moves the secondary DEM into the reference's frame and epoch without resampling, aligns it block by block "
        "onto the reference, and reports the gain.", {
            "reframe": ("commonground:reframeitrfraster", "Reframe",
                        {"INPUT": "SECONDARY", **FRAMES, "EPOCH": "EPOCH", "VELOCITY_EAST": "VELOCITY_EAST",
                         "VELOCITY_NORTH": "VELOCITY_NORTH", "HEIGHTS": "HEIGHTS"}, {}, {}, {}),
            "coregister": ("commonground:blockwisecoregister", "Coregister",
                           {"REFERENCE": "REFERENCE", "STABLE": "STABLE", "UNSTABLE": "UNSTABLE",
                            "BLOCK_SIZE": "BLOCK_SIZE"},
                           {"SECONDARY": ("reframe", "OUTPUT")}, {},
                           {"OUTPUT": "Aligned DEM", "SHIFTS": "Shifts"}),
            "report": ("commonground:nmadreport", "Report",
                       {"REFERENCE": "REFERENCE", "STABLE": "STABLE", "UNSTABLE": "UNSTABLE", "CLASSES": "CLASSES"},
                       {"SECONDARY": ("reframe", "OUTPUT"), "ALIGNED": ("coregister", "OUTPUT"),
                        "SHIFTS": ("coregister", "SHIFTS")}, {}, {"OUTPUT": "Report"}),
        }),
    "series_onto_reference": (
        "Series of DEMs onto one reference",
        "Moves the reference into the frame and epoch that the whole series shall have, without resampling, and "
        "aligns every DEM of the series onto it; a table says what each gained.", {
            "reframe": ("commonground:reframeitrfraster", "Reframe the reference",
                        {"INPUT": "REFERENCE", **FRAMES, "EPOCH": "EPOCH", "HEIGHTS": "HEIGHTS"}, {}, {},
                        {"OUTPUT": "Reference"}),
            "series": ("commonground:coregisterseries", "Coregister the series",
                       {"SECONDARIES": "SECONDARIES", "EPOCHS": "EPOCHS", "STABLE": "STABLE",
                        "UNSTABLE": "UNSTABLE", "BLOCK_SIZE": "BLOCK_SIZE", "LOAD": "LOAD"},
                       {"REFERENCE": ("reframe", "OUTPUT")}, {},
                       {"OUTPUT": "Folder of the results", "TABLE": "Table of gains"}),
        }),
}


def definition_of(registry, children, name):
    """The declaration that the model input `name` repeats: the first algorithm's that takes it."""
    for algorithm, _, inputs, *_ in children.values():
        for parameter, model_input in inputs.items():
            if model_input == name:
                definition = registry.algorithmById(algorithm).parameterDefinition(parameter).clone()
                definition.setName(name)
                definition.setDescription(LABELS.get(name, definition.description()))
                if definition.type() == "field":
                    definition.setParentLayerParameterName(inputs["INPUT"])
                return definition
    raise KeyError(name)


def make_model(registry, title, description, children):
    """A chain of algorithms whose inputs are theirs."""
    model = QgsProcessingModelAlgorithm(title, "Common Ground")
    names = list(dict.fromkeys(name for _, _, inputs, *_ in children.values() for name in inputs.values()))
    first = [name for name in ("REFERENCE", "SECONDARY", "SECONDARIES", "POINTS") if name in names]
    names = first + [name for name in names if name not in first]
    helps = {"ALG_DESC": description}
    for row, name in enumerate(names):
        component = QgsProcessingModelParameter(name)
        component.setPosition(QPointF(150, 60 + 70 * row))
        definition = definition_of(registry, children, name)
        helps[name] = definition.help()
        model.addModelParameter(definition, component)
    model.setParameterOrder(names)
    for row, (child_id, described) in enumerate(children.items()):
        model.addChildAlgorithm(make_child(registry, row, child_id, *described))
    model.setHelpContent(helps)
    return model


def make_child(registry, row, child_id, algorithm, title, inputs, links, fixed, outputs):
    child = QgsProcessingModelChildAlgorithm(algorithm)
    child.setChildId(child_id)
    child.setDescription(title)
    child.setPosition(QPointF(480, 120 + 200 * row))
    for definition in registry.algorithmById(algorithm).parameterDefinitions():
        # Defaults are written out, as the designer does: a model does not fall back on them.
        value = fixed.get(definition.name(), definition.defaultValue())
        if value is not None and not definition.isDestination():
            child.addParameterSources(definition.name(), [Source.fromStaticValue(value)])
    for parameter, name in inputs.items():
        child.addParameterSources(parameter, [Source.fromModelParameter(name)])
    for parameter, link in links.items():
        child.addParameterSources(parameter, [Source.fromChildOutput(*link)])
    named = {}
    for line, (output, name) in enumerate(outputs.items()):
        final = QgsProcessingModelOutput(name, name)
        final.setChildId(child_id)
        final.setChildOutputName(output)
        final.setPosition(QPointF(780, 120 + 200 * row + 60 * line))
        final.setSize(QSizeF(200, 30))
        named[name] = final
    child.setModelOutputs(named)
    return child


def main():
    if Qgis.QGIS_VERSION_INT >= NEWER:
        sys.exit("Make the models with QGIS 3.22: newer versions write files that it does not understand.")
    application = QgsApplication([], True)
    application.initQgis()
    sys.path.append(str(Path(QgsApplication.pkgDataPath()) / "python" / "plugins"))
    sys.path.insert(0, str(ROOT / "build" / "qgis" / "plugins"))
    from commonground.processing_provider.provider import CommonGroundProvider
    from processing.core.Processing import Processing

    Processing.initialize()
    registry = QgsApplication.processingRegistry()
    provider = CommonGroundProvider()
    registry.addProvider(provider)
    for name, described in MODELS.items():
        model = make_model(registry, *described)
        good, faults = model.validate()
        if not good:
            sys.exit("\n".join(faults))
        target = ROOT / "models" / f"{name}.model3"
        if not model.toFile(str(target)):
            sys.exit(f"{target} cannot be written")
        print(target.relative_to(ROOT))
    registry.removeProvider(provider)
    application.exitQgis()


if __name__ == "__main__":
    main()
