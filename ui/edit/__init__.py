"""Parts of the edit page."""
