"""Primitives of matrices, as expressions of NumPy."""

from __future__ import annotations

from graphflow.interop.numpy_script.rules import array, arrays, rule
from graphflow.interop.rules import Site
from graphflow.interop.source import Code, call, number


@rule("svd")
def _svd(site: Site) -> Code:
    return call("np.linalg.svd", array(site), full_matrices=False)


@rule("pinv")
def _pinv(site: Site) -> Code:
    rcond = site.node.attr("rcond")
    if rcond is None:
        return call(site.helper("pinv"), array(site))
    assert isinstance(rcond, int | float)
    return call("np.linalg.pinv", array(site), number(rcond, "np"))


@rule("matrix_rank")
def _matrix_rank(site: Site) -> Code:
    return call("np.linalg.matrix_rank", array(site), tol=site.node.attr("tol"))


@rule("solve")
def _solve(site: Site) -> Code:
    a, b = arrays(site)
    return _solved(site, a, b)


@rule("triangular_solve")
def _triangular_solve(site: Site) -> Code:
    a, b = arrays(site)
    lower, ones = site.node.attr("lower"), site.node.attr("unitriangular")
    return _solved(site, call(site.helper("triangle"), a, lower, ones), b)


def _solved(site: Site, a: Code, b: Code) -> Code:
    """General linear equations, for one vector or for columns."""
    if site.types[1].ndim == 1:
        return Code(f"{call('np.linalg.solve', a, f'{b.at(10)}[:, None]')}[..., 0]")
    return call("np.linalg.solve", a, b)
