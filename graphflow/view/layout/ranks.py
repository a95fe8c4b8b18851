"""Which row each item of a frame stands in."""

from __future__ import annotations

from collections.abc import Sequence

from graphflow.view.layout.sheet import Sheet


def rank(sheet: Sheet) -> tuple[list[int], list[bool]]:
    """The row of each item, and for each wire whether it leads back.

    A row is the length of the longest path from a source, which keeps wires pointing down. What
    hangs on sources alone, as a parameter does, then moves to just above its first reader.
    """
    readers, backs = _without_cycles(sheet)
    makers: list[list[int]] = [[] for _ in readers]
    for item, heads in enumerate(readers):
        for head in heads:
            makers[head].append(item)
    order = _sorted(readers, makers)
    rows = [0] * sheet.count
    for item in order:
        if not sheet.entry(item):
            rows[item] = max((rows[maker] + 1 for maker in makers[item]), default=1)
    last = max(rows[: len(sheet.sizes)], default=0) + 1
    rows[sheet.count - sheet.exits :] = [last] * sheet.exits
    held = _held(sheet, order, readers, makers)
    for item in reversed(order):
        if item < len(sheet.sizes) and readers[item] and not held[item]:
            rows[item] = min(rows[reader] for reader in readers[item]) - 1
    first = 0 if sheet.entries else min(rows, default=0)
    return [row - first for row in rows], backs


def _without_cycles(sheet: Sheet) -> tuple[list[list[int]], list[bool]]:
    """Who reads each item, and the wires left out: those said to lead back or closing a cycle."""
    wires: list[list[int]] = [[] for _ in range(sheet.count)]
    fed = [False] * sheet.count
    backs = [wire.back or wire.tail == wire.head for wire in sheet.wires]
    for number, wire in enumerate(sheet.wires):
        if not backs[number]:
            wires[wire.tail].append(number)
            fed[wire.head] = True
    unseen, under_way, done = 0, 1, 2
    state = [unseen] * sheet.count
    for root in sorted(range(sheet.count), key=lambda item: fed[item]):
        stack = [] if state[root] else [(root, iter(wires[root]))]
        state[root] = state[root] or under_way
        while stack:
            item, rest = stack[-1]
            for number in rest:
                head = sheet.wires[number].head
                if state[head] == under_way:
                    backs[number] = True
                elif state[head] == unseen:
                    state[head] = under_way
                    stack.append((head, iter(wires[head])))
                    break
            else:
                state[item] = done
                stack.pop()
    readers = [
        list(dict.fromkeys(sheet.wires[number].head for number in leaving if not backs[number]))
        for leaving in wires
    ]
    return readers, backs


def _sorted(readers: Sequence[Sequence[int]], makers: Sequence[Sequence[int]]) -> list[int]:
    """All items, each after its makers."""
    missing = [len(of) for of in makers]
    order = [item for item, count in enumerate(missing) if not count]
    for item in order:
        for reader in readers[item]:
            missing[reader] -= 1
            if not missing[reader]:
                order.append(reader)
    return order


def _held(
    sheet: Sheet,
    order: Sequence[int],
    readers: Sequence[Sequence[int]],
    makers: Sequence[Sequence[int]],
) -> list[bool]:
    """Whether moving an item down would make wires above it longer: not if its makers can follow,
    being sources, or hanging on sources, that nobody else reads.
    """
    held = [False] * sheet.count
    for item in order:
        held[item] = sheet.entry(item) or any(
            held[maker] or len(readers[maker]) > 1 for maker in makers[item]
        )
    return held
