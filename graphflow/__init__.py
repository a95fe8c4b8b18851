"""graphflow: models that read like a page of mathematics, and show every step of their gradients."""
