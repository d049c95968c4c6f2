"""Geodesy: frames, epochs, Helmert parameters, plate motion and the one transform."""
