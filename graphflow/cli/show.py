"""``graphflow show``."""
NAME = "show"
def command(file: str) -> int:
    """x"""
    return 0
