"""One comparison, told as figures, HTML, JSON and CSV."""
