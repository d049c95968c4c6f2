"""Widgets, imported when they are shown."""
