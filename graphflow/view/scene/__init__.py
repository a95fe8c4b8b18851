"""What of a graph is drawn: boxes, nested groups, folded rows of blocks, loops.

:func:`outlined` finds the structure of a forward graph once, from its nodes and the tree of its
calls; :func:`drawn` makes a drawing of it for a look: which groups are open, and so on;
:class:`Places` says for every node of the whole graph, backward and update nodes too, where in such
drawings it is seen.
"""

from graphflow.view.scene.composing import drawn
from graphflow.view.scene.making import outlined
from graphflow.view.scene.outline import Outline
from graphflow.view.scene.places import Place, Places

__all__ = ["Outline", "Place", "Places", "drawn", "outlined"]
