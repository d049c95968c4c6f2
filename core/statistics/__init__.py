"""Numbers of a difference: robust statistics, exact and streamed, and terrain classes."""
