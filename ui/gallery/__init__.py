"""Parts of the gallery page."""
