"""Models as decoders: fed one token at a time with their states carried, or all tokens again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from graphflow.diagnostics import Diagnostic, GraphflowError, fail
from graphflow.generation.fixed import fixed_nodes, missing_inputs
from graphflow.generation.searching import Decoder
from graphflow.ir.graph import Graph
from graphflow.ir.types import TensorType
from graphflow.model import Model
from graphflow.ops.op import Array
from graphflow.runtime.compile import Compiler, Settings
from graphflow.runtime.initial import Initialiser
from graphflow.runtime.program import random_key
from graphflow.runtime.store import Store
from graphflow.spec.elaborate import Axes, GenerationPlan

SHORTEST = 8
"""The shortest length that tokens are filled up to."""


def decoder_of(
    model: Model,
    plan: GenerationPlan,
    given: Mapping[str, Array],
    rows: int,
    vocabulary: int | None,
    seed: int,
) -> Decoder:
    """The decoder of a model that is fed ``rows`` texts at once. ``given`` are values of nodes;
    only the first ``vocabulary`` tokens can be said, where the model has more.
    """
    step = Step(model, plan, given, rows, vocabulary, seed)
    return Carried(step) if plan.carry else Prefixes(step)


class Step:
    """The compiled step: tokens in, logits out, and the carried states in a store of their own.

    What depends on what is given, but not on the tokens, is computed by a program of its own and
    fed from then on.
    """

    def __init__(
        self,
        model: Model,
        plan: GenerationPlan,
        given: Mapping[str, Array],
        rows: int,
        vocabulary: int | None,
        seed: int,
    ) -> None:
        graph = model.graph
        self.plan, self.key, self.rows = plan, random_key(seed, 0), rows
        self.vocabulary = vocabulary
        self.time = None if plan.fed.time is None else graph[plan.token].tensor.shape[plan.fed.time]
        self.types = {name: graph[name].tensor for name in plan.carry}
        kept = model.initialiser
        self.initialiser = Initialiser(kept.graph, kept.types, kept.seed)
        self.store = Store(self.types, self.initialiser, model.store)
        updates = {name: graph.updates[name] for name in plan.carry}
        whole = replace(graph, outputs=(plan.logits,), updates=updates)
        self.given = dict(given)
        for leaf in missing_inputs(whole, {plan.token, *given}):
            mark, say = graph.origin(leaf.name).mark, f"{{given: {{{leaf.name}: ...}}}}"
            fail("GF065", f"'{leaf.name}' ({leaf.type}) is not given", mark,
                 help=f"generate: {say} in the file, or --feed {leaf.name}=...")  # fmt: skip
        fixed = fixed_nodes(whole, plan, given)
        if fixed:
            once = self._compiled(replace(whole, outputs=fixed, updates={}))
            self.given |= once.run(given, self.key)
        self.compiler = self._compiled(whole)

    def _compiled(self, graph: Graph) -> Compiler:
        return Compiler(graph, self.store, self.initialiser, Settings())

    def run(self, tokens: Array) -> Array:
        """The logits (rows, T, V) for tokens (rows, T); (rows, V) where the model gives the last
        ones alone. States are updated.
        """
        plan = self.plan
        filled = np.concatenate([tokens, tokens[:1].repeat(self.rows - len(tokens), axis=0)])
        fed = {**self.given, plan.token: arranged(filled, plan.fed)}
        try:
            values = self.compiler.run(fed, self.key)
        except GraphflowError as error:
            raise GraphflowError(*(_too_long(d, plan) for d in error.diagnostics)) from None
        logits = values[self.compiler.graph.resolve(plan.logits)]
        found: Array = regular(logits, plan.said)[: len(tokens), ..., : self.vocabulary]
        return found

    def restart(self) -> None:
        """Carried states start afresh."""
        for name in self.types:
            self.store.forget(name)

    def reorder(self, parents: Sequence[int]) -> None:
        """Row i of every carried state becomes its row ``parents[i]``."""
        if list(parents) == list(range(len(parents))):
            return
        chosen = [*parents, *[parents[0]] * (self.rows - len(parents))]
        for name, type in self.types.items():
            axis = self._batch_axis(name, type)
            if axis is not None:
                self.store.assign(name, self.store.array(name).take(chosen, axis))

    def _batch_axis(self, name: str, type: TensorType) -> int | None:
        """The axis of a state that counts rows; None where all rows share it."""
        fed = self.plan.fed.batch
        size = None if fed is None else self.compiler.graph[self.plan.token].tensor.shape[fed]
        found = [axis for axis, each in enumerate(type.shape) if each == size]
        if size is None or not found:
            return None
        if len(found) > 1:
            fail("GF033", f"which axis of the state '{name}' {type} is the batch's?",
                 self.plan.mark, help="give the batch a size of its own: B")  # fmt: skip
        return found[0]


def _too_long(diagnostic: Diagnostic, plan: GenerationPlan) -> Diagnostic:
    """A position that is out of range where nothing bounds how many tokens a model is fed."""
    if diagnostic.code != "GF080" or plan.context is not None:
        return diagnostic
    help = "if it holds so many tokens at most, say so: generate: {context: ...}"
    return replace(diagnostic, help=help)


def arranged(tokens: Array, axes: Axes) -> Array:
    """Tokens (rows, T) as the model takes them."""
    found = tokens if axes.time is not None else tokens[:, -1]
    if axes.batch is None:
        found = np.asarray(found[0])
    return found.T if axes.batch == 1 else found


def regular(logits: Array, axes: Axes) -> Array:
    """Logits of a model as (rows, T, V), or (rows, V) where they have no time."""
    if axes.batch is None:
        return logits[None]
    rows_first: Array = logits.swapaxes(0, axes.batch)
    return rows_first


class Carried:
    """A decoder that is fed one token at a time; states carry what has been.

    Of more than ``context`` tokens the later half is fed afresh, to new states.
    """

    def __init__(self, step: Step) -> None:
        self.step = step
        self.texts: list[list[int]] = []
        self.fed = 0

    def start(self, prompt: Sequence[int]) -> Array:
        self.texts = [list(prompt)]
        return self._afresh(self.step.plan.context or len(prompt))

    def follow(self, parents: Sequence[int], tokens: Sequence[int]) -> Array:
        self.texts = [[*self.texts[p], t] for p, t in zip(parents, tokens, strict=True)]
        context = self.step.plan.context
        if context is not None and self.fed >= context:
            return self._afresh(context // 2)
        self.step.reorder(parents)
        return self._feed([[token] for token in tokens])

    def _afresh(self, most: int) -> Array:
        """Feed the last tokens to new states."""
        self.step.restart()
        self.fed = 0
        texts = [text[-most:] for text in self.texts]
        for place in range(len(texts[0])):
            logits = self._feed([[text[place]] for text in texts])
        return logits

    def _feed(self, tokens: Sequence[Sequence[int]]) -> Array:
        self.fed += 1
        logits = self.step.run(np.array(tokens, dtype=np.int64))
        return logits[:, -1] if logits.ndim == 3 else logits


class Prefixes:
    """A decoder that is fed all tokens again, filled up to a few lengths so that plans are reused.

    Right only for a model whose logits do not depend on later tokens; any other is refused.
    """

    def __init__(self, step: Step) -> None:
        self.step = step
        self.texts: list[list[int]] = []
        size = step.time
        self.longest = size if isinstance(size, int) else None
        self.filling = step.plan.said.time is not None

    def start(self, prompt: Sequence[int]) -> Array:
        self.texts = [list(prompt)]
        vocabulary = self._run(0).shape[-1]
        if self.filling and vocabulary > 1:
            self._check_causal(vocabulary)
        return self._run(0)

    def follow(self, parents: Sequence[int], tokens: Sequence[int]) -> Array:
        self.texts = [[*self.texts[p], t] for p, t in zip(parents, tokens, strict=True)]
        return self._run(0)

    def _run(self, filler: int) -> Array:
        """The logits behind the last token."""
        bounds = [n for n in (self.step.plan.context, self.longest) if n is not None]
        seen = [text[-min(bounds) :] if bounds else text for text in self.texts]
        count = len(seen[0])
        length = self._length(count, bounds)
        filled = [[*text, *[filler] * (length - count)] for text in seen]
        logits = self.step.run(np.array(filled, dtype=np.int64))
        return logits[:, count - 1] if logits.ndim == 3 else logits

    def _length(self, count: int, bounds: Iterable[int]) -> int:
        """A length to fill up to: the next power of two, if the model sees as many."""
        if self.longest is not None:
            if count < self.longest and not self.filling:
                fail("GF061", f"the model reads {self.longest} tokens, but there are {count}",
                     self.step.plan.mark, help="give a longer prompt")  # fmt: skip
            return self.longest
        if not self.filling:
            return count
        return min([max(SHORTEST, 1 << count.bit_length()), *bounds])

    def _check_causal(self, vocabulary: int) -> None:
        """Refuse a model that looks ahead: what is filled in behind the tokens must not matter."""
        plan = self.step.plan
        first, second = self._run(0), self._run(vocabulary - 1)
        scale = float(np.abs(first).max(initial=0, where=np.isfinite(first)))
        if not np.allclose(first, second, rtol=1e-4, atol=1e-4 * scale, equal_nan=True):
            fail("GF120", f"'{plan.logits}' depend on tokens that come later", plan.mark,
                 help="a mask that hides later tokens (is_causal=true) makes a model that can "
                 "write; states that go on are named with carry: [h]")  # fmt: skip
