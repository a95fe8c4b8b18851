"""What happened, step by step: graphs run node by node with every value kept."""
