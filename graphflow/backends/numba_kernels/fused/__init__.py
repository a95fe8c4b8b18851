"""Loops for groups of elementwise nodes, written from what their operators do to one element."""
