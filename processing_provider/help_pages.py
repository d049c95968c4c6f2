"""An algorithm's help as a page: its words, a figure that comes with the package (`make help-figures`), references."""

from __future__ import annotations

from html import escape
from pathlib import Path

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QUrl

FOLDER = Path(__file__).resolve().parents[1] / "resources" / "help"
WIDTH = 220
"""Pixels: the help beside a dialog is narrow."""
FRAMES = ("Petit and Luzum (2010), IERS Technical Note 36; Altamimi et al. (2016), doi:10.1002/2016JB013098; "
          "Altamimi et al. (2023), doi:10.1007/s00190-023-01738-w.")
MOTION = "Altamimi et al. (2017), doi:10.1093/gji/ggx136; Petit and Luzum (2010), IERS Technical Note 36."
REFERENCES = {
    "reframeitrf": FRAMES, "reframeitrfraster": FRAMES, "propagateepoch": MOTION, "propagateepochraster": MOTION,
    "applyshifts": "Nuth and Kääb (2011), doi:10.5194/tc-5-271-2011.",
    "nmadreport": "Höhle and Höhle (2009), doi:10.1016/j.isprsjprs.2009.02.003; Hugonnet et al. (2022), "
                  "doi:10.1109/JSTARS.2022.3188922.",
    "importaltimetry": "Zwally et al. (2002), doi:10.1016/S0264-3707(02)00042-X; Smith et al. (2019), "
                       "doi:10.1016/j.rse.2019.111352.",
    "elevationchange": "Moholdt et al. (2010), doi:10.1016/j.rse.2010.06.008.",
}
"""Of the algorithms whose words do not end with them; names and numbers, the same in every language."""


def figure_of(name: str) -> str:
    """The figure of an algorithm as HTML; "" where there is none, or only text is shown (`qgis_process`)."""
    path = FOLDER / f"{name}.png"
    if QgsApplication.platform() == "qgis_process" or not path.is_file():
        return ""
    return f'<img src="{escape(QUrl.fromLocalFile(str(path)).toString())}" width="{WIDTH}">'


def page(name: str, words: str) -> str:
    """The help of an algorithm: paragraphs with empty lines between, the figure under the first."""
    first, *rest = words.split("\n\n")
    return "\n\n".join(filter(None, (first, figure_of(name), *rest, REFERENCES.get(name, ""))))
