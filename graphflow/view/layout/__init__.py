"""Places for boxes, frames and links: a layered layout of nested groups.

:func:`place` takes the boxes of one visible state: closed groups are boxes, open groups frames.
Each frame is laid out on its own, from the inside out, and then is a box in the one around it:

    rows      the longest path from the sources gives the row; sources stand just above their reader
    threads   a value that is read further down runs through each row between as a thread
    order     sweeps of the barycenter method keep the order with the fewest crossings
    columns   weighted isotonic regression keeps neighbours apart and the main path straight

K. Sugiyama, S. Tagawa, M. Toda, "Methods for visual understanding of hierarchical system
structures", IEEE Trans. SMC 11(2), 1981; E. R. Gansner et al., "A technique for drawing directed
graphs", IEEE Trans. Software Eng. 19(3), 1993.
"""

from graphflow.view.layout.curves import curve
from graphflow.view.layout.place import place
from graphflow.view.layout.sketch import Box, Direction, Frame, Link, Placed, Rectangle, Route

__all__ = ["Box", "Direction", "Frame", "Link", "Placed", "Rectangle", "Route", "curve", "place"]
