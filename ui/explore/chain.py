"""The chain rule of a backward step: upstream times local is a contribution, and they add up."""

from __future__ import annotations

import streamlit as st

from graphflow.view.shown import ChainView
from ui.explore.values import value
from ui.messages import escaped


def chain(view: ChainView | None) -> None:
    """One contribution with its factors, and the sum it belongs to."""
    if view is None:
        st.info(
            "This step is no contribution of the chain rule. Step on to one that is marked "
            "◀ backward: it multiplies the gradient from above with the local derivative."
        )
        return
    st.latex(view.equation)
    if view.numbers:
        st.latex(view.numbers)
    if view.path:
        st.caption(f"Names in formulas stand in {escaped(view.path)}.")
    with st.container(border=True):
        if view.kind == "sum":
            _added(view)
        else:
            _factors(view)
    if len(view.parts) > 1:
        _sum(view)


def _factors(view: ChainView) -> None:
    """Upstream times local, or the operator's own rule where the local derivative is a matrix."""
    st.markdown("**Upstream**: how the result moves with what this node gave")
    value(view.upstream)
    if view.kind == "product":
        st.markdown("**× local**: how this node's result moves with the operand")
    else:
        st.markdown("**through the rule** of this node: its local derivative is a whole matrix")
    st.latex(view.local_formula)
    if view.local is not None:
        value(view.local)
    elif view.shapes:
        st.latex(view.shapes)
    st.markdown("**= contribution**")
    value(view.contribution)


def _added(view: ChainView) -> None:
    """Two parts of a gradient, added."""
    st.markdown("**So far**: what has arrived by the paths before")
    value(view.upstream)
    st.markdown("**+ this path**")
    value(view.contribution)


def _sum(view: ChainView) -> None:
    """The running sum where several paths meet."""
    st.markdown(f"**The sum so far**: {view.part + 1} of {len(view.parts)} paths have arrived")
    signs = ["✓ added" if i < view.part else "▸ now" if i == view.part else "· to come"
             for i in range(len(view.parts))]  # fmt: skip
    for sign, part in zip(signs, view.parts, strict=True):
        st.markdown(f"- {sign}: {escaped(part)}")
    if view.total is not None:
        value(view.total)
