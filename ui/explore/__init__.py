"""The parts of the page Explore: each draws one thing that a study tells."""
