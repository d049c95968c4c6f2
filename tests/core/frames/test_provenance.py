"""What a report and a history say of a change of frame or epoch."""

import base64
import re

import numpy as np
import pytest
from commonground.core.errors import PlateError
from commonground.core.frames.plates import boundary_segments
from commonground.core.frames.provenance import Place, history_entry, place_at, provenance
from commonground.core.frames.report import _extent, _nice, _together, certainty, frames_html
from commonground.core.frames.transform import FrameEpoch, PlateMotion, Velocity

OLD, NEW = FrameEpoch("ITRF93", 1993.5), FrameEpoch("ITRF2014", 2018.5)
NOAM = PlateMotion("ITRF2014-PMM")


def test_a_place_knows_its_plate_and_its_displacement():
    """The notebook's point: -5.0, -27.9, 5.3 mm by the frames and -412.6, 329.7, 0.7 mm by 25 years of NOAM."""
    place = place_at(-50.0, 70.0, 1.0, OLD, NEW, NOAM)
    assert place.plate == "NOAM" and place.model == "ITRF2014-PMM"
    assert place.displacement() == pytest.approx((-0.41766, 0.30172, 0.00599), abs=2e-5)


def test_the_path_has_a_row_every_five_years():
    path = place_at(-50.0, 70.0, 1.0, OLD, NEW, NOAM).path()
    assert [row[0] for row in path] == [1993.5, 1998.5, 2003.5, 2008.5, 2013.5, 2018.5]
    assert path[0][1:] == pytest.approx((-0.00504, -0.02794, 0.00528), abs=2e-5)
    steps = np.diff(np.array(path)[:, 1:], axis=0)
    assert np.allclose(steps, [-0.082525, 0.065935, 0.000143], atol=2e-6)
    backward = place_at(-50.0, 70.0, 1.0, FrameEpoch("ITRF2014", 2018.5), FrameEpoch("ITRF2014", 2011.0), NOAM).path()
    assert [row[0] for row in backward] == [2018.5, 2013.5, 2011.0]


def test_a_place_without_a_plate_is_refused():
    with pytest.raises(PlateError, match="no plate of ITRF2014-PMM"):
        place_at(106.8, -6.2, 0.0, FrameEpoch("ITRF2014", 2000.0), NEW, NOAM)


def test_equal_epochs_need_no_motion():
    place = place_at(106.8, -6.2, 0.0, OLD, FrameEpoch("ITRF2014"), NOAM)
    assert place.motion is None and place.model == "" and place.target.epoch == 1993.5


def test_certainty_speaks_of_models_boundary_and_uplift():
    words = " ".join(certainty(place_at(-50.0, 70.0, 1.0, OLD, NEW, NOAM)))
    # The models' half range at this place: 1.604 and 0.856 mm/yr (16.14 to 19.35 west, 11.78 to 13.49 north).
    assert "+-0.0401 m east and +-0.0214 m north over 25.0 years" in words
    assert "knows no vertical motion" in words and "measured velocity" not in words
    near = " ".join(certainty(place_at(-122.4, 37.8, 0.0, OLD, NEW, NOAM)))
    assert "a measured velocity may be better" in near
    own = " ".join(certainty(Place(0.0, 0.0, 0.0, OLD, NEW, Velocity(0.01, 0.0))))
    assert "taken as given" in own and "boundary" not in own


def test_provenance_and_history_name_everything():
    place = place_at(-50.0, 70.0, 1.0, OLD, NEW, NOAM)
    told = provenance(place)
    assert told["MODEL"] == "ITRF2014-PMM" and told["PLATE"] == "NOAM" and told["TABLE_VERSION"]
    assert told["DISPLACEMENT"] == "east -0.4177 north +0.3017 up +0.0060 m at -50.00000 70.00000"
    entry = history_entry("Reframe ITRF", place)
    for words in ("ITRF93 at 1993.5 to ITRF2014 at 2018.5", "ITRF2014-PMM NOAM", "-0.4177", "+proj=pipeline"):
        assert words in entry


def test_the_report_holds_the_arrows_and_the_years():
    place = place_at(-50.0, 70.0, 1.0, OLD, NEW, NOAM)
    lon = np.linspace(-52, -48, 600)
    arrows = lon, np.full(600, 70.0), np.full(600, -0.4), np.full(600, 0.3)
    page = frames_html("Title", "lead", [("East", "1 m", "")], [], place, ["Look."], arrows)
    pictures = re.findall(r'base64,([^"]+)"', page)
    assert len(pictures) == 2 and all(base64.b64decode(item).startswith(b"\x89PNG") for item in pictures)
    assert "2013.50" in page and "Look." in page
    still = place_at(-50.0, 70.0, 1.0, OLD, FrameEpoch("ITRF2014"), None)
    assert "base64" not in frames_html("Title", "lead", [], [], still, [])


def test_maps_across_the_antimeridian_stay_together():
    assert np.allclose(_together(np.array([179.0, -179.0])), [179.0, 181.0])
    assert np.allclose(_together(np.array([-1.0, 359.5])), [-1.0, -0.5])
    assert boundary_segments(170.0, -60.0, 190.0, -10.0).shape[1:] == (2, 2)
    assert boundary_segments(170.0, -60.0, 190.0, -10.0)[:, :, 0].max() > 180.0
    assert len(boundary_segments(-45.0, 72.0, -40.0, 76.0)) == 0


def test_extents_and_keys():
    assert _nice(0.37) == 0.2 and _nice(0.5) == 0.5 and _nice(1.0) == 1.0 and _nice(0.0) == 1e-3
    west, east, south, north = _extent(np.array([10.0]), np.array([89.9]))
    assert west < 10.0 < east and south < 89.9 < north <= 90.0
