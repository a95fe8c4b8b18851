// The bar above the picture: search, zoom, how it is drawn, overlays, downloads, help.

const OVERLAYS = [['none', 'no overlay'], ['values', 'values'], ['gradients', 'gradients'],
  ['time', 'time'], ['memory', 'memory'], ['changes', 'changes']];
const TRACES = [['', 'no trace'], ['up', 'trace up'], ['down', 'trace down'], ['both', 'trace both']];
const KEYS = [
  ['→ ←', 'step on, back'], ['Shift + → ←', 'one block on, back'], ['Home End', 'first, last step'],
  ['Space', 'play, pause'], ['[ ]', 'last, next visit of the same node'],
  ['Alt + arrows', 'select the next node along an edge'],
  ['Shift + click', 'select a closed group, for B and W'],
  ['Enter', 'open a group; details of a node'], ['Shift + Enter', 'close the group around'],
  ['U', 'unroll a loop in time, fold it'],
  ['B', 'breakpoint on the node'], ['W', 'watch the node'], ['T', 'trace up, down, both'],
  ['F', 'follow the cursor'], ['/', 'search'], ['+ − 0', 'larger, smaller, all of it'],
  ['E', 'the whole screen, and back'], ['Esc', 'select nothing'], ['?', 'this help'],
];

/** Names as people order them: block2 before block10. */
const inOrder = new Intl.Collator('en', { numeric: true }).compare;

class Toolbar {
  constructor(parent, graph) {
    this.graph = graph;
    this.matches = [];
    this.root = make('div', { class: 'tools row', role: 'toolbar', 'aria-label': 'view' }, parent);
    this.addSearch();
    const { camera } = graph;
    const zoom = make('span', { class: 'cluster' }, this.root);
    button('−', 'smaller (-)', zoom, () => camera.zoom(1 / 1.25));
    button('+', 'larger (+)', zoom, () => camera.zoom(1.25));
    button('fit', 'all of it (0)', zoom, () => camera.fit());
    this.follow = toggle('follow', 'keep the cursor in view (F)', this.root,
      (on) => graph.setFollow(on));
    this.trace = choice('trace from the selected node (T)', TRACES, this.root,
      () => graph.retrace());
    this.shapes = toggle('shapes', 'shapes along the edges', this.root,
      (on) => graph.option('shapes', on));
    press(toggle('map', 'the small map of the whole', this.root, (on) => {
      graph.minimap.wanted = on;
      graph.moved();
    }), true);
    this.addAsked();
    this.addEnd();
  }

  /** What only the host can do. */
  addAsked() {
    const { graph } = this;
    this.asked = make('span', { class: 'cluster' }, this.root);
    this.direction = button('', 'direction of reading', this.asked, () =>
      graph.option('direction', graph.options.direction === 'LR' ? 'TB' : 'LR'));
    this.parameters = toggle('parameters', 'parameters as boxes of their own', this.asked,
      (on) => graph.option('parameters', on ? 'shown' : 'inline'));
    this.values = toggle('values', 'values and gradients in the boxes', this.asked,
      (on) => graph.option('values', on));
    this.folded = toggle('fold ×N', 'equal blocks drawn once', this.asked,
      (on) => graph.option('folded', on));
    this.overlay = choice('overlay', OVERLAYS, this.asked, (kind) => graph.option('overlay', kind));
  }

  addEnd() {
    const end = make('span', { class: 'cluster end' }, this.root);
    button('SVG', 'download the picture as SVG', end, () => this.graph.download('svg'));
    button('PNG', 'download the picture as PNG', end, () => this.graph.download('png'));
    this.whole = toggle('⛶', 'the whole screen (E)', end, () => this.graph.enlarge());
    button('?', 'keys and signs (?)', end, () => this.graph.help.switch());
  }

  addSearch() {
    const box = make('span', { class: 'search' }, this.root);
    this.search = make('input', { type: 'search', placeholder: 'search  /',
      'aria-label': 'search nodes, in closed groups too; Enter goes to the next' }, box);
    this.found = make('span', { class: 'found', role: 'status' }, box);
    this.search.addEventListener('input', () => this.find());
    this.search.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') this.jump(event.shiftKey ? -1 : 1);
      else if (event.key === 'Escape') this.leave();
      else return;
      event.preventDefault();
    });
  }

  leave() {
    this.search.value = '';
    this.find();
    this.graph.canvas.focus();
  }

  /** Find the nodes and groups that the text names, and mark the boxes where they are seen. */
  find() {
    const { scene } = this.graph;
    const text = this.search.value.trim().toLowerCase();
    if (text !== this.text || !this.matches.every((id) => scene.seen(id))) {
      this.matches = text ? [...this.hits(text)].sort(inOrder) : [];
      this.at = -1;
      this.text = text;
    }
    const boxes = new Set(this.matches.map((id) => scene.box(scene.seen(id))));
    for (const box of [...scene.nodes.values(), ...scene.heads()]) {
      box.element.classList.toggle('match', boxes.has(box));
    }
    this.tell();
  }

  /** The ids that a text is in; what stands in a group is not found under the group's name. */
  hits(text) {
    const { scene, options } = this.graph;
    const shown = Object.keys(scene.drawing.shown);
    const known = new Set([...scene.nodes.keys(), ...scene.groups.keys(), ...shown]
      .map((id) => id.toLowerCase()));
    const names = (name) => {
      const id = name.toLowerCase();
      return id.includes(text) && !Array.from(id.matchAll(/[./]/g)).some(({ index }) => {
        const [group, inner] = [id.slice(0, index), id.slice(index)];
        return known.has(group) && group.includes(text) && !inner.includes(text);
      });
    };
    const says = (...words) => words.some((word) => word && word.toLowerCase().includes(text));
    const found = new Set();
    for (const node of scene.nodes.values()) {
      if (names(node.id) || says(node.label, node.sub, ...(node.inline || []))) found.add(node.id);
    }
    for (const { id, label } of scene.groups.values()) if (names(id) || says(label)) found.add(id);
    for (const [name, id] of Object.entries(scene.drawing.shown)) {
      const box = scene.nodes.get(id);
      if (names(name)) found.add(box && box.closed && !options.replay ? name : id);
    }
    return found;
  }

  jump(direction) {
    const count = this.matches.length;
    if (!count) return;
    this.at = (this.at + direction + count + (this.at < 0 && direction < 0 ? 1 : 0)) % count;
    this.tell();
    this.graph.reach(this.matches[this.at]);
  }

  /** How many were found, and which of them is shown. */
  tell() {
    const count = this.matches.length;
    if (this.at >= 0) this.found.textContent = `${this.at + 1} of ${count}`;
    else this.found.textContent = this.text ? `${count} found` : '';
  }

  /** Take on the options. */
  load(options, overlay, walked) {
    const down = options.direction !== 'LR';
    this.direction.textContent = down ? '↓ top-down' : '→ left-right';
    press(this.follow, options.follow);
    press(this.shapes, options.shapes !== false);
    press(this.parameters, options.parameters === 'shown');
    press(this.folded, options.folded !== false);
    press(this.values, options.values !== false);
    this.values.hidden = !walked;
    this.overlay.value = overlay.kind || 'none';
    this.asked.hidden = Boolean(options.replay);
  }
}

/** The height of the picture: that which the host gives, less the bars between it and the tools. */
function heightBeside(height = 560, bars = []) {
  const taken = bars.reduce((sum, bar) => sum + bar.offsetHeight, 0);
  return `max(280px, ${Number(height) ? `${height}px` : height} - ${taken}px)`;
}

/** What the buckets of an overlay mean: colour and number. */
function legend(root, overlay) {
  root.replaceChildren();
  root.hidden = !overlay.legend || !overlay.legend.length;
  if (root.hidden) return;
  make('b', {}, root, overlay.kind);
  if (overlay.about) make('span', { class: 'about' }, root, overlay.about);
  overlay.legend.forEach((text, bucket) => {
    const item = make('span', { class: 'key' }, root);
    make('i', { class: `b${bucket}` }, item, String(bucket));
    item.append(` ${text}`);
  });
}

/** One slider for each loop: the time step that it shows. */
class Loops {
  constructor(parent, graph) {
    this.graph = graph;
    this.root = make('div', { class: 'loops row', role: 'group', 'aria-label': 'loops' }, parent);
    this.sliders = new Map();
  }

  load(options) {
    const lengths = Object.entries(options.loops || {});
    const { copies } = this.graph.scene.drawing;
    const made = JSON.stringify([lengths, Object.keys(copies)]);
    if (made !== this.made) {
      this.made = made;
      this.root.replaceChildren();
      this.sliders.clear();
      for (const [loop, length] of lengths) {
        this.add(loop, length, Object.keys(copies).some((name) => timeless(name) === loop));
      }
    }
    this.root.hidden = !lengths.length;
    for (const [loop, time] of Object.entries(options.moments || {})) this.show(loop, time);
  }

  add(loop, length, spread) {
    const unroll = toggle('unroll', `draw the time steps of ${loop} side by side (U)`, this.root,
      () => this.graph.unroll(loop));
    press(unroll, spread);
    const label = make('label', { class: 'loop' }, this.root, `↻ ${loop} `);
    const slider = make('input', { type: 'range', min: 0, max: length - 1, value: 0,
      'aria-label': `time step of ${loop}` }, label);
    const text = make('span', {}, label);
    this.sliders.set(loop, { slider, text, length });
    slider.addEventListener('input', () => {
      this.show(loop, Number(slider.value));
      this.graph.seek(loop, Number(slider.value));
    });
    slider.addEventListener('change', () =>
      this.graph.option('moment', { loop, t: Number(slider.value) }));
    this.show(loop, 0);
  }

  show(loop, time) {
    const found = this.sliders.get(loop);
    if (!found) return;
    found.slider.value = String(time);
    found.text.textContent = `t = ${time} of 0…${found.length - 1}`;
  }

  /** Follow the cursor: the loops around it show its time steps. */
  follow(within) {
    within.forEach(([, time], depth) =>
      this.show(within.slice(0, depth + 1).map(([loop]) => loop).join('/'), time));
  }
}

/** Keys and signs, over the picture. */
class Help {
  constructor(parent, graph) {
    this.graph = graph;
    this.root = make('div', { class: 'help', role: 'dialog', 'aria-label': 'keys and signs',
      tabindex: -1, hidden: '' }, parent);
    button('✕', 'close', this.root, () => this.switch()).className = 'close';
    this.parts = make('div', { class: 'parts' }, this.root);
    this.list('Keys', KEYS.map(([keys, text]) => [keys, text]));
    this.list('Steps', [['▶ forward', 'a node computes its value'],
      ['◀ backward', 'a gradient flows against the edge'], ['✎ update', 'a parameter changes'],
      ['✓ ✓∇', 'value known; gradient known'], ['3/8', 'steps made of those in this box'],
      ['∇ -4, ‖∇‖ 0.3', 'gradient; its Euclidean norm'],
      ['∇ 2 + …', 'sum so far, more to come'], ['μ 0.3 σ 0.2', 'mean, standard deviation'],
      ['● ◎ Δ ⚠ ✕', 'breakpoint, watched, changed, flagged, failing']]);
    this.list('Boxes', Object.entries(KINDS));
    this.root.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' || event.key === '?') this.switch();
      event.stopPropagation();
    });
  }

  list(title, rows) {
    const part = make('section', {}, this.parts);
    make('h3', {}, part, title);
    const list = make('dl', {}, part);
    for (const [term, text] of rows) {
      make('dt', {}, list, term);
      make('dd', {}, list, text);
    }
  }

  switch() {
    this.root.hidden = !this.root.hidden;
    if (this.root.hidden) this.graph.canvas.focus();
    else this.root.focus();
  }
}
