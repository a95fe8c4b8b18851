"""Functions that exported source may need, as text: PyTorch has no name for them."""

from __future__ import annotations

HELPERS = {
    "differentiable": '''
def differentiable(x):
    """x itself, or the start of a derivative where x has none."""
    return x if x.requires_grad else x.detach().requires_grad_()
''',
    "jvp": '''
def jvp(y, x, v):
    """The derivative of y by x in the direction v: two derivatives backwards."""
    u = torch.zeros_like(y, requires_grad=True)
    (pulled,) = torch.autograd.grad(y, x, u, create_graph=True, materialize_grads=True)
    return torch.autograd.grad(pulled, u, v, create_graph=True, materialize_grads=True)[0]
''',
    "jacobian": '''
def jacobian(y, x):
    """The derivatives of every entry of y by every entry of x."""
    if not y.requires_grad:
        return torch.zeros(y.shape + x.shape)
    rows = [
        torch.autograd.grad(entry, x, create_graph=True, materialize_grads=True)[0]
        for entry in y.flatten()
    ]
    return torch.stack(rows).reshape(y.shape + x.shape)
''',
    "hessian": '''
def hessian(y, x):
    """The second derivatives of the number y by the entries of x."""
    (slope,) = torch.autograd.grad(y, x, create_graph=True)
    return jacobian(slope, x)
''',
    "Parts": '''
class Parts(nn.Module):
    """Parameters, buffers and modules under the names given."""

    def __init__(self, entries):
        super().__init__()
        for name, entry in entries.items():
            if isinstance(entry, nn.Module):
                self.add_module(name, entry)
            elif isinstance(entry, nn.Parameter):
                self.register_parameter(name, entry)
            else:
                self.register_buffer(name, entry)

    def __getitem__(self, name):
        return getattr(self, name)
''',
    "strided": '''
def strided(x, index):
    """x[index], where steps may be negative."""
    positions, axis = [], 0
    for entry in index:
        if isinstance(entry, slice):
            rows = torch.arange(x.shape[axis], device=x.device)
            chosen = range(x.shape[axis])[entry]
            x = x.index_select(axis, rows[list(chosen)])
            entry = slice(None)
        axis += entry is not None
        positions.append(entry)
    return x[tuple(positions)]
''',
    "pad_copying": '''
def pad_copying(x, widths, mode):
    """x with margins that copy it: 'edge', 'reflect' or 'wrap', as in NumPy."""
    for axis, (before, after) in enumerate(widths):
        n = x.shape[axis]
        at = torch.arange(-before, n + after, device=x.device)
        if mode == "edge":
            at = at.clamp(0, n - 1)
        elif mode == "wrap":
            at = at % n
        else:
            period = max(1, 2 * (n - 1))
            at = torch.minimum(at % period, period - at % period)
        x = x.index_select(axis, at)
    return x
''',
}
"""By name, in the order in which they must stand."""
