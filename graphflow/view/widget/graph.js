// The widget: a drawing, a schedule and a cursor in it that moves wholly in the browser.

const PATIENCE = 3000; // milliseconds until what did not come is asked for again
let made = 0;

class Graph {
  constructor(parent) {
    this.prefix = `gf${++made}`;
    this.data = { marks: {}, overlay: {} };
    this.options = {};
    this.schedule = new Schedule(null);
    this.cursor = -1;
    this.breakpoints = new Set();
    this.wanted = '';
    this.counts = new Map();
    this.values = new Values();
    this.root = make('div', { class: 'gf' }, parent);
    this.stage = make('div', { class: 'stage' });
    this.addCanvas();
    this.camera = new Camera(this.canvas, this.view, () => this.moved());
    this.ring = new Ring(this.stage, this.camera);
    this.toolbar = new Toolbar(this.root, this);
    this.loops = new Loops(this.root, this);
    this.legend = make('div', { class: 'legend', role: 'note' }, this.root);
    this.root.append(this.stage);
    this.minimap = new Minimap(this.stage, this.camera);
    this.empty = make('p', { class: 'empty' }, this.stage, 'Nothing is drawn yet.');
    this.tip = make('div', { class: 'tip', role: 'tooltip', hidden: '' }, this.stage);
    this.help = new Help(this.stage, this);
    this.transport = new Transport(this.root, this);
    this.sending = paced((cursor) => this.host.setStateValue('cursor', cursor),
      () => this.transport.playing ? 500 : 60);
    this.root.addEventListener('keydown', (event) => pressed(this, event));
    this.root.addEventListener('fullscreenchange', () =>
      press(this.toolbar.whole, this.root.matches(':fullscreen')));
  }

  addCanvas() {
    this.canvas = make('div', { class: 'canvas', tabindex: 0, role: 'application',
      'aria-label': 'computation graph; right and left arrow step, question mark lists the keys',
    }, this.stage);
    this.view = make('div', { class: 'sheet' }, this.canvas);
    this.scene = new Scene(this.prefix);
    this.view.append(this.scene.layer);
    watchPointer(this);
  }

  // -- what the host says ---------------------------------------------------------------------

  update(host) {
    const { data } = host;
    const before = this.data;
    this.host = host;
    this.data = { ...data, marks: data.marks || {}, overlay: data.overlay || {} };
    this.options = { ...data.options, follow: this.keptFollow(before, data) };
    const drawn = data.drawing && this.scene.rev !== data.rev;
    const scheduled = data.schedule !== undefined
      && (data.schedule ? data.schedule.rev : null) !== this.schedule.rev;
    this.keepBreakpoints(before);
    if (scheduled) this.schedule = new Schedule(data.schedule);
    if (drawn) this.redraw(data);
    if (drawn || scheduled) this.bind();
    if (data.selected && data.selected !== before.selected) this.pick(data.selected);
    this.toolbar.load(this.options, this.data.overlay, this.schedule.length > 0);
    this.transport.limit(before.options || {}, data.options);
    this.addBars();
    this.scene.layer.classList.toggle('shapes', this.options.shapes !== false);
    this.remark();
    this.ask(data);
    const told = this.seen === undefined || data.move !== before.move;
    this.seen = true;
    this.place(clamp(told ? Number(data.cursor ?? -1) : this.cursor, -1, this.schedule.length - 1),
      { smooth: false, quiet: !told && !drawn });
    if (drawn && this.sought) this.reach(this.sought, false);
  }

  /** What stands above the picture takes its room from it. */
  addBars() {
    this.loops.load(this.options);
    legend(this.legend, this.data.overlay);
    this.stage.style.height = heightBeside(this.options.height, [this.loops.root, this.legend]);
  }

  /** Own breakpoints hold until the host tells others. */
  keepBreakpoints(before) {
    const [told, old] = [this.data, before].map((data) => data.marks.breakpoints || []);
    if (told.join('\n') !== old.join('\n')) this.breakpoints = new Set(told);
  }

  /** Following is the reader's own matter after the host has said how it begins. */
  keptFollow(before, data) {
    const [was, is] = [before, data].map((each) => (each.options || {}).follow);
    return this.seen && was === is ? this.options.follow : is !== false;
  }

  redraw(data) {
    const anchor = this.anchor();
    const style = getComputedStyle(this.root);
    this.scene.load(data.drawing, this.options, style.fontFamily);
    this.scene.rev = data.rev;
    this.addBars();
    this.camera.measureDrawing(data.drawing);
    this.empty.hidden = data.drawing.nodes.length + data.drawing.groups.length > 0;
    this.minimap.paint(data.drawing, style.color);
    this.hold(anchor);
    this.select(this.scene.nodes.has(this.selected) ? this.selected : '', false, true);
    this.toolbar.find();
  }

  /** What should stay where it is on the screen while the drawing changes around it. */
  anchor() {
    const { scene, toggled } = this;
    this.toggled = '';
    const id = [toggled, this.selected, this.seenAt()].find((name) => scene.box(scene.seen(name)));
    return id && { id, toggled, at: this.camera.inside(this.spot(id, toggled)) };
  }

  /** A box; the head of the group that is toggled, though a node in it may have its name. A loop's
   * may be very wide: its beginning.
   */
  spot(id, toggled) {
    const group = this.scene.groups.get(id);
    if (id !== toggled || !group) return this.scene.box(this.scene.seen(id));
    const { head } = group;
    return group.length ? { ...head, x: head.x - head.w / 2 + Math.min(head.w / 2, 80) } : head;
  }

  hold(anchor) {
    const to = anchor && this.spot(anchor.id, anchor.toggled);
    if (!to) return this.camera.start();
    const { k } = this.camera;
    return this.camera.set(k, anchor.at[0] - to.x * k, anchor.at[1] - to.y * k);
  }

  /** Places of steps in this drawing, and how much of each box is done. */
  bind() {
    this.schedule.bind(this.scene);
    this.counts = new Map();
    for (const [id, visits] of this.schedule.visits) {
      const all = [0, 0, 0];
      for (const index of visits) all[this.schedule.phase(index)]++;
      this.counts.set(id, { made: [0, 0, 0], all });
    }
    this.counted = -1;
    this.values.bind(this.schedule, this.scene);
    this.transport.load(this.schedule);
  }

  /** Ask for what the host holds and did not send: in one message, since a second one before the
   * host has heard the first would take its place.
   */
  ask(data) {
    const lacking = [];
    if (!data.drawing && this.scene.rev !== data.rev) lacking.push(['drawing', data.rev]);
    if (data.schedule === undefined && this.schedule.rev !== (data.schedule_rev ?? null)) {
      lacking.push(['schedule', data.schedule_rev]);
    }
    const wanted = lacking.join(' ');
    if (!wanted || wanted === this.wanted) return;
    this.wanted = wanted;
    setTimeout(() => { this.wanted = ''; }, PATIENCE);
    requestAnimationFrame(() => this.tell('need', lacking.map(([what]) => what).join(' ')));
  }

  /** Say something to the host, which knows the cursor by then. */
  tell(trigger, value) {
    this.sending.flush();
    this.host.setTriggerValue(trigger, value);
  }

  option(name, value) {
    if (name === 'shapes') this.scene.layer.classList.toggle('shapes', value);
    this.options[name] = value;
    this.tell('option', { name, value });
  }

  // -- the cursor -----------------------------------------------------------------------------

  /** The box in which the current step is seen. */
  seenAt() {
    return this.cursor >= 0 ? this.schedule.drawn[this.cursor] : '';
  }

  /** Move the cursor, and tell the host. */
  go(index, options = {}) {
    const to = clamp(index, -1, this.schedule.length - 1);
    if (to === this.cursor) return;
    this.place(to, options);
    this.sending.give(to);
  }

  /** Show the cursor at a step. */
  place(index, { smooth = true, quiet = false } = {}) {
    this.cursor = index;
    this.count(index);
    this.values.show(index);
    const { schedule, scene } = this;
    const at = this.seenAt();
    const phase = index >= 0 ? schedule.phase(index) : 0;
    const ends = index >= 0
      ? [SOURCE, TARGET].map((field) => schedule.seenAs(scene, index, field)) : ['', ''];
    const edges = index >= 0 ? scene.along(at, ...ends, phase) : [];
    scene.light(at, phase, edges);
    this.transport.tell(index);
    this.loops.follow(schedule.within(index));
    const node = scene.box(at);
    if (node) this.ring.turn(node, this.scene.nodes.values());
    if (node && this.options.follow && !quiet) this.camera.reveal(node, smooth);
    this.moved();
  }

  /** Bring the number of steps made in each box up to date; only what changes is touched. */
  count(index) {
    const { schedule } = this;
    const step = index > this.counted ? 1 : -1;
    const touched = new Set();
    const [from, to] = [Math.min(index, this.counted) + 1, Math.max(index, this.counted)];
    for (let at = from; at <= to; at++) {
      const id = schedule.drawn[at];
      this.counts.get(id).made[schedule.phase(at)] += step;
      touched.add(id);
    }
    this.counted = index;
    for (const id of touched) {
      const { made: done, all } = this.counts.get(id);
      this.scene.progress(id, done, all);
    }
  }

  /** Put the ring and its flag where the cursor is on the canvas; it keeps its size. */
  moved() {
    const node = this.scene.box(this.seenAt());
    const phase = node ? this.schedule.phase(this.cursor) : 0;
    this.ring.show(node, phase);
    this.minimap.moved(node, phase);
  }

  /** To the same place at another time of a loop. */
  seek(loop, time) {
    const to = this.schedule.moment(this.cursor, loop, time);
    if (to >= 0) this.go(to);
  }

  // -- the selected node ----------------------------------------------------------------------

  select(id, look = false, quiet = false) {
    const node = this.scene.nodes.get(id);
    for (const old of this.scene.layer.querySelectorAll('.sel')) old.classList.remove('sel');
    this.selected = node ? id : '';
    if (node) {
      node.element.classList.add('sel');
      node.element.id = `${this.prefix}-selected`;
      filled(this.canvas, { 'aria-activedescendant': node.element.id });
      if (look) this.camera.reveal(node, true);
    } else this.canvas.removeAttribute('aria-activedescendant');
    this.retrace();
    if (!quiet) this.host.setStateValue('selected', this.selected);
  }

  /** Select what the host names, if it is drawn. */
  pick(id) {
    const seen = this.scene.seen(id);
    if (this.scene.nodes.has(seen) && seen !== this.selected) this.select(seen, true, true);
  }

  retrace() {
    const way = this.toolbar.trace.value;
    this.scene.dim(way && this.selected ? this.scene.trace(this.selected, way) : null);
  }

  /** Open or close a group, in all copies of it; the head of a copy folds its loop in time. */
  toggle(id) {
    const copy = this.scene.groups.has(id) && TIMES.test(id);
    this.toggled = timeless(id);
    this.tell('toggle', copy ? `${this.toggled}@` : this.scene.toggling(id));
  }

  /** Unroll a loop in time, or fold it: the one told, else the one around the node of the keys. */
  unroll(loop = this.scene.loopAround(this.selected || this.seenAt())) {
    if (!loop) return;
    this.toggled = timeless(loop);
    this.tell('toggle', `${this.toggled}@`);
  }

  /** Select what was found; where it stands in a closed group, once the host has opened that. */
  reach(id, ask = true) {
    const box = this.scene.box(this.scene.seen(id));
    const hidden = box && box.closed && box.id !== id;
    this.sought = ask && hidden ? id : '';
    if (!box) return;
    if (this.sought) this.toggle(id);
    else if (this.scene.nodes.has(box.id)) this.select(box.id, true);
    else this.camera.reveal(box, true);
  }

  /** The node that keys act on, under its own name where the cursor is in a closed group. */
  acted() {
    if (this.selected) return this.selected;
    const { cursor, schedule } = this;
    return cursor < 0 ? ''
      : this.scene.copied(schedule.named(cursor, PLACE), schedule.within(cursor));
  }

  /** The blocks that a box stands for: all of a folded row, else itself. */
  row(id) {
    const { row } = this.scene.nodes.get(id) || {};
    return row && row.length ? row : [id];
  }

  /** In which block of a folded row a step is. */
  block(index) {
    const { schedule } = this;
    const row = index >= 0 ? this.row(schedule.drawn[index]) : [];
    const at = row.findIndex((name) => schedule.path(index).includes(name));
    return row.length > 1 && at >= 0 ? ` (${row[at]}, block ${at + 1} of ${row.length})` : '';
  }

  breakpoint() {
    const id = this.acted();
    if (!id) return;
    const row = this.row(id);
    const on = row.some((name) => !this.breakpoints.has(name));
    for (const name of row) {
      if (on) this.breakpoints.add(name);
      else this.breakpoints.delete(name);
    }
    this.remark();
    this.tell('breakpoint', id);
  }

  remark() {
    this.scene.mark(this.data.overlay, this.data.marks, this.breakpoints);
    this.transport.mark();
  }

  setFollow(on) {
    press(this.toolbar.follow, on);
    this.option('follow', on);
    const node = this.scene.box(this.seenAt());
    if (on && node) this.camera.reveal(node, true);
  }

  /** Take the whole screen, as for a projector, or give it back. */
  enlarge() {
    if (this.root.matches(':fullscreen')) document.exitFullscreen();
    else this.root.requestFullscreen();
  }

  download(kind) {
    download(this.scene, getComputedStyle(this.root).backgroundColor, kind);
  }

  stop() {
    this.transport.pause();
    this.sending.stop();
    this.camera.size.disconnect();
  }
}

const instances = new WeakMap();

/** Called by the host at first and at every change of its data. */
export default function graph(host) {
  const { parentElement } = host;
  let found = instances.get(parentElement);
  if (!found) {
    found = new Graph(parentElement);
    instances.set(parentElement, found);
  }
  if (host.data.halved) join(found, host);
  else found.update(host);
  return () => {
    if (found.root.isConnected) return;
    part(found);
    found.stop();
    instances.delete(parentElement);
  };
}
