// The figures of a drawing: boxes by kind with their lines, heads of open groups.

/** The outline of a box about its middle: the kind of a node by its form. */
function outline(kind, w, h) {
  const [x, y, c] = [w / 2, h / 2, Math.min(10, h / 3)];
  const round = (r) => `M${r - x} ${-y}H${x - r}A${r} ${r} 0 0 1 ${x} ${r - y}V${y - r}`
    + `A${r} ${r} 0 0 1 ${x - r} ${y}H${r - x}A${r} ${r} 0 0 1 ${-x} ${y - r}V${r - y}`
    + `A${r} ${r} 0 0 1 ${r - x} ${-y}Z`;
  if (kind === 'input') return `M${c - x} ${-y}H${x}L${x - c} ${y}H${-x}Z`;
  if (kind === 'loss') {
    return `M${c - x} ${-y}H${x - c}L${x} ${c - y}V${y - c}L${x - c} ${y}H${c - x}`
      + `L${-x} ${y - c}V${c - y}Z`;
  }
  if (kind === 'parameter' || kind === 'state') return round(Math.min(y, 14));
  return kind === 'constant' ? round(0.5) : round(5);
}

const KINDS = {
  input: 'slanted', parameter: 'pill', state: 'pill, double border', constant: 'dotted',
  op: 'box', loss: 'cut corners', output: 'double border', loop: '↻ and double border',
  group: '▸ and stack',
};
const UNROLL = 64;
const ROWS = { label: '600 12px', sub: '11px' };

/** The line that closes an open group, on a sheet; that of a loop has a sign, too. */
function headOf({ id, label, count, length, w }, { high, spread, family }, sheet) {
  const head = draw('g', { class: 'head', 'data-toggle': id, role: 'button',
    'aria-label': `${label}, open group of ${count}, close it` }, sheet);
  draw('rect', { class: 'box', width: w, height: high, rx: 8 }, head);
  const loop = length ? ` ↻ ${length}` : '';
  const room = w - 14 - (length ? UNROLL + 6 : 0);
  const text = fitted(`▾ ${label}${loop}`, room, `${ROWS.label} ${family}`);
  draw('text', { class: 'label', x: 8, y: 15 }, head, text);
  if (length) unrollSign(id, label, { x: w - UNROLL - 4, spread }, head);
  return head;
}

/** What unrolls a loop in time, or folds it. */
function unrollSign(id, label, { x, spread }, head) {
  const sign = draw('g', { class: 'unroll', 'data-unroll': id, role: 'button',
    'aria-label': `${spread ? 'fold' : 'unroll'} ${label} in time` }, head);
  draw('rect', { class: 'plate', x, y: 3, width: UNROLL, height: 16, rx: 4 }, sign);
  draw('text', { class: 'does', x: x + UNROLL / 2, y: 15 }, sign, spread ? '⇤ fold' : '⇥ unroll');
}

/** A box on a sheet: its form, its lines, and the rows for its value and gradient. */
function boxOf(node, family, sheet) {
  const element = draw('g', {
    class: `node ${node.kind}${node.closed ? ' closed' : ''}`, 'data-node': node.id,
    'data-toggle': node.closed ? node.id : undefined, role: 'button', 'aria-label': node.aria,
  }, sheet);
  const d = outline(node.kind, node.w, node.h);
  if (node.closed) draw('path', { class: 'stack', d, transform: 'translate(4,4)' }, element);
  draw('path', { class: 'box', d }, element);
  if (['state', 'output', 'loop'].includes(node.kind)) {
    draw('path', { class: 'inner', d: outline(node.kind, node.w - 6, node.h - 6) }, element);
  }
  const rows = linesOf(node, family, element);
  return { all: [element], element, rows, texts: {} };
}

/** The lines of a box, in its middle; those for its value and gradient are given back. */
function linesOf(node, family, element) {
  const sign = (node.closed ? '▸ ' : '') + (node.kind === 'loop' ? '↻ ' : '');
  const fold = node.folded > 1 ? ` ×${node.folded}` : '';
  const lines = [[sign + node.label + fold, 'label'], [node.sub, 'sub'],
    ...(node.inline || []).map((text) => [text, 'sub'])].filter(([text]) => text);
  const count = lines.length + (node.lines || 0);
  const height = Math.min(15, (node.h - 4) / count);
  const at = (row) => (row - (count - 1) / 2) * height + 4;
  lines.forEach(([text, kind], row) => {
    const room = node.w - (node.kind === 'input' || node.kind === 'loss' ? 20 : 12);
    const shown = fitted(text, room, `${ROWS[kind]} ${family}`);
    draw('text', { class: kind, y: at(row) }, element, shown);
  });
  return Array.from({ length: node.lines || 0 }, (_, row) =>
    draw('text', { class: 'sub value', y: at(lines.length + row) }, element));
}
