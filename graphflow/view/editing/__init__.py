"""A text while it is being written: what is wrong, what can be drawn already, what has changed."""

from graphflow.view.editing.carrying import Carried, carried, folder_of, with_text
from graphflow.view.editing.comparing import (
    NodeChange,
    TextChange,
    TextChanges,
    node_changes,
    text_changes,
)
from graphflow.view.editing.completing import Words, words
from graphflow.view.editing.draft import Draft, drafted
from graphflow.view.editing.sketch import (
    Problem,
    Sketch,
    is_good,
    sketched,
)

__all__ = [
    "Carried",
    "Draft",
    "NodeChange",
    "Problem",
    "Sketch",
    "TextChange",
    "TextChanges",
    "Words",
    "carried",
    "drafted",
    "folder_of",
    "is_good",
    "node_changes",
    "sketched",
    "text_changes",
    "with_text",
    "words",
]
