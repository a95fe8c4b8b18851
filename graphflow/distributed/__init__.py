"""Training on several processes at once, of one machine or of many."""
