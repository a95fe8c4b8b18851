// A drawing as SVG: boxes by kind, groups, edges, and the marks that change on them.

const TILE = 48;

class Scene {
  constructor(prefix) {
    this.prefix = prefix;
    this.layer = make('div', { class: 'scene' });
    this.arrows(this.tile(this.layer));
    this.depths = ['frames', 'lines', 'boxes'].map((name) =>
      make('div', { class: name }, this.layer));
    this.stock = new Map();
    this.nodes = new Map();
    this.groups = new Map();
    this.marked = [];
    this.active = [];
    this.lit = [];
    this.load({ nodes: [], groups: [], edges: [], shown: {}, copies: {}, w: 1, h: 1 }, {}, '');
  }

  /** Show a drawing. What looks as it did in the one before is moved, not made anew. */
  load(drawing, options, family) {
    this.light('', 0, []);
    this.mark({}, {}, []);
    Object.assign(this, { drawing, family, nodes: new Map(), groups: new Map() });
    Object.assign(this, { into: new Map(), outof: new Map(), copies: new Map() });
    for (const { id } of drawing.nodes) {
      const name = timeless(id);
      if (name !== id) this.copies.set(name, [...(this.copies.get(name) || []), id]);
    }
    [this.before, this.stock] = [this.stock, new Map()];
    const [frames, lines, boxes] = this.depths;
    const places = new Map(drawing.nodes.map((node) => [node.id, node]));
    this.tiled(frames, drawing.groups, (group) => group, (group) => this.addGroup(group));
    this.tiled(lines, drawing.edges, (edge) => places.get(edge.s), (edge) => this.addEdge(edge));
    this.tiled(boxes, [...this.groups.values()], (group) => group, (group) => this.addHead(group));
    this.tiled(boxes, drawing.nodes, (node) => node, (node) => this.addNode(node));
    for (const made of [...this.before.values()].flat()) {
      for (const element of made.all) element.remove();
    }
    for (const tile of this.depths.flatMap((depth) => [...depth.children])) {
      if (!tile.firstChild) tile.remove();
    }
    this.layer.classList.toggle('shapes', options.shapes !== false);
  }

  /** A sheet that elements go on: what changes on it leaves the others as painted. */
  tile(parent, x = 0, y = 0) {
    const made = draw('svg', { class: 'tile', width: 1, height: 1, viewBox: `${x} ${y} 1 1` },
      parent);
    Object.assign(made.style, { left: `${x}px`, top: `${y}px` });
    return made;
  }

  /** Add items in the order of their places; what is new goes on tiles of their own. */
  tiled(depth, items, place, add) {
    const along = this.drawing.dir === 'LR' ? 'x' : 'y';
    const placed = items.map((item) => [place(item) || { x: 0, y: 0 }, item]);
    this.room = 0;
    for (const [at, item] of placed.sort(([a], [b]) => a[along] - b[along])) {
      this.fresh = () => {
        if (this.room === 0) [this.on, this.room] = [this.tile(depth, at.x, at.y), TILE];
        this.room--;
        return this.on;
      };
      add(item);
    }
  }

  /** What was made with the same key before, else what `create` makes on a sheet. */
  kept(key, create) {
    const found = (this.before.get(key) || []).pop() || create(this.fresh());
    if (!this.stock.has(key)) this.stock.set(key, []);
    this.stock.get(key).push(found);
    return found;
  }

  /** Heads of arrows, one of each colour; started at, they point back. */
  arrows(sheet) {
    const defs = draw('defs', {}, sheet);
    for (const name of ['plain', ...PHASES]) {
      const marker = draw('marker', { id: `${this.prefix}-${name}`, viewBox: '0 0 8 8', refX: 7,
        refY: 4, markerWidth: 8, markerHeight: 8, markerUnits: 'userSpaceOnUse',
        orient: 'auto-start-reverse' }, defs);
      if (name !== 'plain') for (const side of ['markerWidth', 'markerHeight']) {
        marker.setAttribute(side, 14);
      }
      draw('path', { class: `tip ${name}`, d: 'M0 0L8 4L0 8Z' }, marker);
    }
  }

  arrow(name) {
    return `url(#${this.prefix}-${name})`;
  }

  addGroup(group) {
    const { x, y, w, h } = group;
    const made = this.kept(`frame ${group.id}`, (sheet) => ({
      all: [draw('rect', { rx: 8 }, sheet)] }));
    const [element] = made.all;
    filled(element, { class: group.length ? 'frame loop' : 'frame', x, y, width: w, height: h });
    this.groups.set(group.id, { ...group, element });
  }

  /** The line that closes an open group; it is where a step of the whole group is seen. */
  addHead(group) {
    const { id, label, count, length, x, y, w, h } = group;
    const high = Math.min(22, h);
    const spread = id in this.drawing.copies;
    const key = `head ${JSON.stringify([id, label, count, length, w, high, spread, this.family])}`;
    const [element] = this.kept(key, (sheet) => ({
      all: [headOf(group, { high, spread, family: this.family }, sheet)] })).all;
    element.setAttribute('transform', `translate(${x},${y})`);
    group.head = { id, x: x + w / 2, y: y + high / 2, w, h: high, group: group.parent, element };
  }

  /** A box, or the head of an open group. */
  box(id) {
    const group = this.groups.get(id);
    return this.nodes.get(id) || (group && group.head);
  }

  /** The heads of open groups. */
  heads() {
    return [...this.groups.values()].map((group) => group.head);
  }

  addEdge(edge) {
    const { all: [path, text] } = this.kept(`edge ${edge.s} ${edge.t} ${edge.label || ''}`,
      (sheet) => ({ all: [draw('path', { 'marker-end': this.arrow('plain') }, sheet),
        ...(edge.label ? [draw('text', { class: 'shape' }, sheet, edge.label)] : [])] }));
    filled(path, { class: edge.back ? 'edge back' : 'edge', d: edge.d });
    if (text) text.setAttribute('transform', `translate(${edge.lx},${edge.ly})`);
    const drawn = { ...edge, path, text };
    for (const [map, end] of [[this.into, edge.t], [this.outof, edge.s]]) {
      if (!map.has(end)) map.set(end, []);
      map.get(end).push(drawn);
    }
  }

  addNode(node) {
    const { x, y, group, ...looks } = node;
    const key = `node ${JSON.stringify(looks)} ${this.family}`;
    const box = { ...node, ...this.kept(key, (sheet) => boxOf(node, this.family, sheet)) };
    box.element.setAttribute('transform', `translate(${x},${y})`);
    box.element.classList.remove('done', 'graded', 'dim');
    this.put(box, 'state', '');
    this.nodes.set(node.id, box);
  }

  /** The box in which a node is seen; empty where it is in none. */
  seen(name) {
    if (this.box(name) || !name) return name;
    const shown = this.drawing.shown[name] || (this.copies.get(name) || [])[0];
    if (shown || !name.includes('@')) return shown || '';
    const plain = timeless(name);
    const copy = this.copied(plain, timesIn(name));
    return copy !== name && plain !== name ? this.seen(copy) : '';
  }

  /** All boxes in which a node is seen: where it has no time, those of every time step. */
  everywhere(name) {
    return this.copies.get(name) || [this.seen(name)];
  }

  /** The name of a node in the copy of its time step, where its loops are unrolled. */
  copied(name, within) {
    const parts = name.split('/');
    let [path, at] = ['', 0];
    while (at < parts.length && at < within.length && parts[at] === within[at][0]) {
      path = path ? `${path}/${parts[at]}` : parts[at];
      path = (this.drawing.copies[path] || [])[within[at][1]] || path;
      at++;
    }
    return [...(path ? [path] : []), ...parts.slice(at)].join('/');
  }

  /** What a group is toggled by: one name for all copies, but of those that stand for many. */
  toggling(id) {
    return id.includes('..') ? id : timeless(id);
  }

  /** The innermost loop around a box that can be unrolled; of none the first there is. */
  loopAround(id) {
    const node = this.box(id);
    if (node && node.kind === 'loop') return id;
    let group = this.groups.get(this.groups.has(id) ? id : node && node.group);
    while (group && !group.length) group = this.groups.get(group.parent);
    group = group || [...this.groups.values()].find((each) => each.length);
    return group ? group.id : '';
  }

  /** A short text on a box: 'state' in its upper corner, 'flags' above it, 'note' below. */
  put(node, corner, text) {
    let written = node.texts[corner];
    if (!written && !text) return;
    if (!written) {
      const [x, y, anchor] = {
        state: [node.w / 2 - (node.kind === 'loss' ? 9 : 4), 11 - node.h / 2, 'end'],
        flags: [2 - node.w / 2, -5 - node.h / 2, 'start'],
        note: [0, 12 + node.h / 2, 'middle'],
      }[corner];
      written = draw('text', { class: corner, x, y, 'text-anchor': anchor }, node.element);
      node.texts[corner] = written;
    }
    if (written.textContent !== text) written.textContent = text;
  }

  /** How far a box has come: steps made and steps in all, by phase. */
  progress(id, made, all) {
    const node = this.nodes.get(id);
    if (!node) return;
    const phase = made[2] ? 2 : made[1] ? 1 : 0;
    const part = made[phase] < all[phase];
    let text = '';
    if (made[phase]) text = part ? `${phase ? SIGNS[phase] : ''}${made[phase]}/${all[phase]}`
      : ['✓', '✓∇', all[0] || all[1] ? '✓∇✎' : '✎'][phase];
    node.element.classList.toggle('done', made[0] > 0 && made[0] === all[0]);
    node.element.classList.toggle('graded', made[1] > 0 && made[1] === all[1]);
    this.put(node, 'state', text);
  }

  /** Light up one box, the groups around it and the edges that a step runs along. */
  light(id, phase, edges) {
    for (const element of this.active) element.classList.remove('cur', 'in', 'on', ...PHASES);
    for (const edge of this.lit) {
      edge.path.removeAttribute('marker-start');
      edge.path.setAttribute('marker-end', this.arrow('plain'));
    }
    [this.active, this.lit] = [[], edges];
    const on = (element, ...names) => {
      element.classList.add(...names);
      this.active.push(element);
    };
    const node = this.box(id);
    if (!node) return;
    on(node.element, 'cur', PHASES[phase]);
    const around = this.groups.has(id) ? id : node.group;
    for (let group = this.groups.get(around); group; group = this.groups.get(group.parent)) {
      on(group.element, 'in', PHASES[phase]);
    }
    for (const edge of edges) {
      on(edge.path, 'on', PHASES[phase]);
      if (phase === 1) edge.path.removeAttribute('marker-end');
      edge.path.setAttribute(`marker-${phase === 1 ? 'start' : 'end'}`, this.arrow(PHASES[phase]));
    }
  }

  /** The edges that a step runs along: the one that is told, else all that lead into its box. */
  along(id, source, target, phase) {
    const edges = this.into.get(target) || [];
    if (source && target) return edges.filter((edge) => edge.s === source);
    return phase === 0 ? this.into.get(id) || [] : [];
  }

  /** Give classes and corner texts that stay until they are given again. */
  mark(overlay, marks, breakpoints) {
    for (const node of this.marked) {
      node.element.classList.remove('broken', 'watched', 'changed', 'failing', 'over',
        ...[0, 1, 2, 3, 4, 5, 6].map((bucket) => `b${bucket}`));
      for (const corner of ['flags', 'note']) this.put(node, corner, '');
      this.cover(node, false);
    }
    this.marked = [];
    const given = new Map();
    const put = (id, names, flag, note) => {
      const node = this.nodes.get(id);
      if (!node) return;
      if (!given.has(node)) given.set(node, { flags: new Set(), notes: new Set() });
      node.element.classList.add(...names);
      if (flag) given.get(node).flags.add(flag);
      if (note) given.get(node).notes.add(note);
    };
    const add = (name, ...how) => this.everywhere(name).forEach((id) => put(id, ...how));
    for (const [id, [bucket, text, flag]] of Object.entries(overlay.marks || {})) {
      const warned = flag && flag !== 'changed';
      const note = warned ? `${text} ${flag}` : text;
      add(id, ['over', `b${clamp(bucket, 0, 6)}`], warned && '⚠', note);
    }
    for (const id of breakpoints) add(id, ['broken'], '●');
    for (const id of marks.watched || []) add(id, ['watched'], '◎');
    for (const [id, text] of Object.entries(marks.changed || {})) add(id, ['changed'], 'Δ', text);
    if (marks.failing) add(marks.failing, ['failing'], '✕', 'here');
    for (const [node, { flags, notes }] of given) {
      this.put(node, 'flags', [...flags].join(' '));
      this.put(node, 'note', [...notes].join(' · '));
      this.cover(node, notes.size > 0);
      this.marked.push(node);
    }
  }

  /** A note below a box takes the place of the shapes on the edges that leave it there. */
  cover(node, on) {
    if (this.drawing.dir === 'LR') return;
    for (const { text } of this.outof.get(node.id) || []) {
      if (text) text.classList.toggle('covered', on);
    }
  }

  /** All boxes that lead to one ('up'), that it leads to ('down'), or both. */
  trace(id, way) {
    const found = new Set([id]);
    const follow = (map, end) => {
      const todo = [id];
      const gone = new Set(todo);
      while (todo.length) {
        for (const edge of map.get(todo.pop()) || []) {
          if (gone.has(edge[end])) continue;
          gone.add(edge[end]);
          found.add(edge[end]);
          todo.push(edge[end]);
        }
      }
    };
    if (way !== 'down') follow(this.into, 's');
    if (way !== 'up') follow(this.outof, 't');
    return found;
  }

  /** Dim what is not in a set of boxes; null dims nothing. */
  dim(kept) {
    for (const [id, node] of this.nodes) {
      node.element.classList.toggle('dim', Boolean(kept && !kept.has(id)));
    }
    for (const edges of this.into.values()) {
      for (const edge of edges) {
        const off = Boolean(kept && !(kept.has(edge.s) && kept.has(edge.t)));
        edge.path.classList.toggle('dim', off);
        if (edge.text) edge.text.classList.toggle('dim', off);
      }
    }
  }

  /** The nearest box in a direction, along an edge if there is one. */
  neighbour(id, dx, dy) {
    const from = this.nodes.get(id);
    const joined = new Set([...(this.into.get(id) || []), ...(this.outof.get(id) || [])]
      .flatMap((edge) => [edge.s, edge.t]));
    let best = [Infinity, id];
    for (const node of this.nodes.values()) {
      const [x, y] = [node.x - from.x, node.y - from.y];
      const ahead = x * dx + y * dy;
      if (ahead <= 1) continue;
      const aside = Math.abs(x * dy) + Math.abs(y * dx);
      const cost = (joined.has(node.id) ? 0 : 1e6) + ahead + 2 * aside;
      if (cost < best[0]) best = [cost, node.id];
    }
    return best[1];
  }
}
