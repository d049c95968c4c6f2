"""Playing a story in a real QGIS desktop (`qgis --code`): what a person clicks, drops and types, step by step.

A story is a generator. It yields how many milliseconds to wait, or a condition to wait for; every action is posted to
the event loop, so that a modal dialog does not hold the story up. Anything in QGIS' log that must not be there, and
any exception, ends the desktop with an error.
"""

import os
import sys
import time
import traceback

from qgis.core import Qgis, QgsApplication
from qgis.PyQt.QtCore import QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from qgis.PyQt.QtGui import QDragEnterEvent, QDropEvent
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QMenu, QMessageBox

PATIENCE = 120.0
"""Seconds that a condition may take."""
PYTHON_WARNING = "warning:"
"""How QGIS' log begins what Python warns of, at any level."""

errors, clicks, drops = [], [], []


def watch(package=""):
    """End where QGIS logs an error; with the name of a package also where it warns, or Python warns of that package.

    What Python warns of in other packages is theirs.
    """
    def note(message, tag, level):
        bad = level == Qgis.MessageLevel.Critical or "Traceback" in message
        if message.startswith(PYTHON_WARNING):
            bad = package and f"{os.sep}{package}{os.sep}" in message.partition("\ntraceback")[0]
        elif package and level == Qgis.MessageLevel.Warning:
            bad = True
        if bad:
            errors.append(f"log, {tag}: {message}")
            QTimer.singleShot(0, lambda: end(1))

    QgsApplication.messageLog().messageReceived[str, str, Qgis.MessageLevel].connect(note)
    sys.excepthook = lambda kind, error, trace: fail("".join(traceback.format_exception(kind, error, trace)))


def fail(message):
    errors.append(message)
    end(1)


def end(code=0):
    """Leave at once: closing QGIS would ask whether to save."""
    for error in errors:
        print(f"desktop: {error}")
    sys.stdout.flush()
    os._exit(1 if errors else code)


def play(story):
    """Play a story to its end, then leave."""
    def step(condition=None, since=0.0):
        if condition is not None and not condition():
            if time.monotonic() - since > PATIENCE:
                fail(f"waited in vain: {''.join(traceback.format_stack(story.gi_frame, 1))}")
            QTimer.singleShot(50, lambda: step(condition, since))
            return
        try:
            wanted = next(story)
        except StopIteration:
            end()
        except Exception:
            fail(traceback.format_exc())
        if callable(wanted):
            QTimer.singleShot(50, lambda: step(wanted, time.monotonic()))
        else:
            QTimer.singleShot(wanted, step)

    QTimer.singleShot(3000, step)


def click(widget, place=None, name=""):
    """Click a widget with the left button, in its middle if no place is given."""
    place = widget.rect().center() if place is None else place
    clicks.append(name or widget.objectName() or type(widget).__name__)
    button, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QTimer.singleShot(0, lambda: QTest.mouseClick(widget, button, none, QPoint(place)))


def click_menu(bar_or_menu, text):
    """Click an entry of a menu bar or an open menu; its submenu, if it has one."""
    action = entry(bar_or_menu, text)
    click(bar_or_menu, bar_or_menu.actionGeometry(action).center(), plain(text))
    return action.menu()


def entry(bar_or_menu, text):
    found = [action for action in bar_or_menu.actions() if plain(action.text()) == plain(text)]
    if not found:
        raise RuntimeError(f"no entry {text} among {[action.text() for action in bar_or_menu.actions()]}")
    return found[0]


def plain(text):
    return text.replace("&", "").replace("\u2026", "").replace("...", "").strip()


def drop(widget, paths):
    """Drop files onto a widget, as from a file manager."""
    drops.append(", ".join(os.path.basename(path) for path in paths))
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(path) for path in paths])
    middle, button, none = widget.rect().center(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier

    def send():
        QApplication.sendEvent(widget, QDragEnterEvent(middle, Qt.DropAction.CopyAction, data, button, none))
        QApplication.sendEvent(widget, QDropEvent(QPointF(middle), Qt.DropAction.CopyAction, data, button, none))

    QTimer.singleShot(0, send)


def key(widget, pressed):
    """Press a key."""
    QTimer.singleShot(0, lambda: QTest.keyClick(widget, pressed))


def message_box():
    """The question that QGIS asks just now."""
    found = QApplication.activeModalWidget()
    return found if isinstance(found, QMessageBox) else None


def open_menu():
    found = QApplication.activePopupWidget()
    return found if isinstance(found, QMenu) else None
