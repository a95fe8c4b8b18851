"""What a step did, told in words, formulas, numbers and pictures; and how it is checked."""
