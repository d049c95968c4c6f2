"""Make models/*.model3 from the algorithms as they are declared now (`make models`)."""

import sys
from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
)
from qgis.core import QgsProcessingModelChildParameterSource as Source
from qgis.PyQt.QtCore import QPointF, QSizeF

ROOT = Path(__file__).resolve().parents[1]

CHAIN = {
    # child id: (algorithm, title, {parameter: model input}, {parameter: (child, output)}, {output: its name})
    "reframe": ("reframeitrfraster", "Reframe",
                {"INPUT": "SECONDARY", "SOURCE_FRAME": "SOURCE_FRAME", "EPOCH": "EPOCH",
                 "TARGET_FRAME": "TARGET_FRAME", "TARGET_EPOCH": "TARGET_EPOCH", "MODEL": "MODEL",
                 "PLATE": "PLATE", "VELOCITY_EAST": "VELOCITY_EAST", "VELOCITY_NORTH": "VELOCITY_NORTH",
                 "HEIGHTS": "HEIGHTS"}, {}, {}),
    "coregister": ("blockwisecoregister", "Coregister",
                   {"REFERENCE": "REFERENCE", "STABLE": "STABLE", "UNSTABLE": "UNSTABLE",
                    "BLOCK_SIZE": "BLOCK_SIZE"},
                   {"SECONDARY": ("reframe", "OUTPUT")}, {"OUTPUT": "Aligned DEM", "SHIFTS": "Shifts"}),
    "report": ("nmadreport", "Report",
               {"REFERENCE": "REFERENCE", "STABLE": "STABLE", "UNSTABLE": "UNSTABLE", "CLASSES": "CLASSES"},
               {"SECONDARY": ("reframe", "OUTPUT"), "ALIGNED": ("coregister", "OUTPUT"),
                "SHIFTS": ("coregister", "SHIFTS")},
               {"OUTPUT": "Report"}),
}


def definition_of(registry, name):
    """The declaration that the model input `name` repeats: the first algorithm's that takes it."""
    for algorithm, _, inputs, _, _ in CHAIN.values():
        for parameter, model_input in inputs.items():
            if model_input == name:
                declared = registry.algorithmById(f"commonground:{algorithm}")
                definition = declared.parameterDefinition(parameter).clone()
                definition.setName(name)
                return definition
    raise KeyError(name)


def make_chain(registry):
    """Reframe, coregister, report: the whole job as one model."""
    model = QgsProcessingModelAlgorithm("Reframe, coregister, report", "Common Ground")
    names = [name for _, _, inputs, _, _ in CHAIN.values() for name in inputs.values()]
    names = list(dict.fromkeys(["REFERENCE", *names]))
    for row, name in enumerate(names):
        component = QgsProcessingModelParameter(name)
        component.setPosition(QPointF(150, 60 + 70 * row))
        model.addModelParameter(definition_of(registry, name), component)
    model.setParameterOrder(names)
    for row, (child_id, (algorithm, title, inputs, links, outputs)) in enumerate(CHAIN.items()):
        child = QgsProcessingModelChildAlgorithm(f"commonground:{algorithm}")
        child.setChildId(child_id)
        child.setDescription(title)
        child.setPosition(QPointF(480, 120 + 200 * row))
        for definition in registry.algorithmById(f"commonground:{algorithm}").parameterDefinitions():
            # Defaults are written out, as the designer does: a model does not fall back on them.
            default = definition.defaultValue()
            if default is not None and not definition.isDestination():
                child.addParameterSources(definition.name(), [Source.fromStaticValue(default)])
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
        model.addChildAlgorithm(child)
    model.setHelpContent({
        "ALG_DESC": "Moves the secondary DEM into the reference's frame and epoch without resampling, aligns "
                    "it block by block onto the reference, and reports the gain."})
    return model


def main():
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
    model = make_chain(registry)
    good, faults = model.validate()
    if not good:
        sys.exit("\n".join(faults))
    target = ROOT / "models" / "reframe_coregister_report.model3"
    if not model.toFile(str(target)):
        sys.exit(f"{target} cannot be written")
    print(target.relative_to(ROOT))
    registry.removeProvider(provider)
    application.exitQgis()


if __name__ == "__main__":
    main()
