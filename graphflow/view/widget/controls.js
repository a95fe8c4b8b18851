// Pointer and keys on the picture.

const CLICK = 4;

/** Drag moves the view, a click selects or opens, with Shift it only selects; a double click asks
 * for details.
 */
function watchPointer(graph) {
  const { canvas } = graph;
  let from = null;
  let gone = 0;
  const hit = (event, name) => {
    const element = event.target.closest && event.target.closest(`[data-${name}]`);
    return element ? element.dataset[name] : '';
  };
  canvas.addEventListener('pointerdown', (event) => {
    if (event.button) return;
    from = [event.clientX, event.clientY];
    gone = 0;
  });
  canvas.addEventListener('pointermove', (event) => {
    if (!from || !event.buttons) return point(graph, hit(event, 'node'), event);
    const [dx, dy] = [event.clientX - from[0], event.clientY - from[1]];
    gone += Math.abs(dx) + Math.abs(dy);
    if (gone <= CLICK) return undefined;
    canvas.setPointerCapture(event.pointerId);
    canvas.classList.add('dragged');
    graph.camera.pan(dx, dy);
    from = [event.clientX, event.clientY];
    return undefined;
  });
  const end = () => {
    from = null;
    canvas.classList.remove('dragged');
  };
  canvas.addEventListener('pointercancel', end);
  canvas.addEventListener('pointerup', (event) => {
    const clicked = from && gone <= CLICK;
    end();
    if (!clicked) return;
    if (event.shiftKey) graph.select(hit(event, 'node'));
    else if (hit(event, 'unroll')) graph.unroll(hit(event, 'unroll'));
    else if (hit(event, 'toggle')) graph.toggle(hit(event, 'toggle'));
    else graph.select(hit(event, 'node'));
  });
  canvas.addEventListener('dblclick', (event) => {
    if (hit(event, 'node') && !hit(event, 'toggle')) graph.tell('open', hit(event, 'node'));
  });
  canvas.addEventListener('pointerleave', () => point(graph, '', null));
}

/** The tip at the pointer: what a box is, its value and its gradient at the cursor. */
function point(graph, id, event) {
  const node = graph.scene.nodes.get(id);
  graph.tip.hidden = !node;
  if (!node) return;
  const { schedule, cursor, camera } = graph;
  graph.tip.replaceChildren();
  make('b', {}, graph.tip, node.aria || node.label);
  const [, text, , inside] = (graph.data.overlay.marks || {})[node.id] || [];
  if (inside) make('div', {}, graph.tip, `${text} of ${inside}`);
  for (const phase of [0, 1, 2]) {
    const step = schedule.latest(id, cursor, phase);
    if (step >= 0) make('div', {}, graph.tip, `${SIGNS[phase]} ${schedule.texts[step] || ''}`);
  }
  const box = graph.stage.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  graph.tip.style.left = `${clamp(x + 14, 4, Math.max(4, camera.width - 330))}px`;
  if (y > camera.height / 2) {
    Object.assign(graph.tip.style, { top: 'auto', bottom: `${camera.height - y + 12}px` });
  } else Object.assign(graph.tip.style, { top: `${y + 16}px`, bottom: 'auto' });
}

const ALONG = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };

const ACTIONS = {
  ArrowRight: (graph, event) => step(graph, event, 1),
  ArrowLeft: (graph, event) => step(graph, event, -1),
  Home: (graph) => halted(graph).go(-1),
  End: (graph) => halted(graph).go(graph.schedule.length - 1),
  ' ': (graph) => graph.transport.switch(),
  b: (graph) => graph.breakpoint(),
  w: (graph) => graph.acted() && graph.tell('watch', graph.acted()),
  u: (graph) => graph.unroll(),
  f: (graph) => graph.setFollow(!graph.options.follow),
  t: (graph) => {
    const { trace } = graph.toolbar;
    trace.selectedIndex = (trace.selectedIndex + 1) % TRACES.length;
    graph.retrace();
  },
  e: (graph) => graph.enlarge(),
  '/': (graph) => graph.toolbar.search.focus(),
  '+': (graph) => graph.camera.zoom(1.25),
  '=': (graph) => graph.camera.zoom(1.25),
  '-': (graph) => graph.camera.zoom(1 / 1.25),
  0: (graph) => graph.camera.fit(),
  '[': (graph) => visit(graph, -1),
  ']': (graph) => visit(graph, 1),
  '?': (graph) => graph.help.switch(),
  Escape: (graph) => graph.select(''),
  Enter: (graph, event) => enter(graph, event.shiftKey),
};

function halted(graph) {
  graph.transport.pause();
  return graph;
}

function step(graph, event, direction) {
  const { transport } = halted(graph);
  if (event.shiftKey) transport.stride(direction, 'block');
  else transport.stride(direction);
}

function visit(graph, direction) {
  const id = graph.selected || graph.seenAt();
  halted(graph).go(graph.schedule.visit(id, graph.cursor, direction));
}

/** Open a closed group, or ask for the details of a node; with Shift close the group around. */
function enter(graph, around) {
  const id = graph.selected || graph.seenAt();
  const node = graph.scene.box(id);
  if (!node) return;
  if (!graph.scene.nodes.has(id)) graph.toggle(id);
  else if (around) {
    if (node.group) graph.toggle(node.group);
  } else if (node.closed) graph.toggle(id);
  else graph.tell('open', id);
}

/** Keys count on the picture; those that a button or a slider needs are left to it. */
function pressed(graph, event) {
  const target = event.composedPath()[0];
  const own = target === graph.canvas;
  if (!own && (target.matches('input, select, textarea') || ['Enter', ' '].includes(event.key))) {
    return;
  }
  if (event.ctrlKey || event.metaKey) return;
  if (event.altKey) {
    const way = ALONG[event.key];
    const id = graph.selected || graph.seenAt() || graph.scene.nodes.keys().next().value;
    if (!way || !id) return;
    event.preventDefault();
    graph.select(graph.selected ? graph.scene.neighbour(id, ...way) : id, true);
    return;
  }
  const action = ACTIONS[event.key] || ACTIONS[event.key.toLowerCase()];
  if (!action) return;
  event.preventDefault();
  action(graph, event);
}
