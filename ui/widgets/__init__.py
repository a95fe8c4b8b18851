"""Components that run in the browser: the graph and the editor."""
