// The steps of one iteration: what ran where, and how far a larger stride goes.

const [NAME, PHASE, PLACE, SOURCE, TARGET, BLOCK, TURN, WITHIN, FLAG, SEEN]
  = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const STRIDES = ['node', 'block', 'layer', 'pass', 'iteration'];

const TIMES = /@(\d+)(?:\.\.(\d+))?$/;

/** A drawn id without the time steps of copies: c in lstm@3/c and lstm@6..29/c. */
const timeless = (id) => id.split('/').map((part) => part.replace(TIMES, '')).join('/');

/** Whether loops, each with its time step, are at the times in a drawn id. */
const isAt = (id, within) => id.split('/').every((part, depth) => {
  const [, first, last = first] = TIMES.exec(part) || [];
  if (first === undefined) return true;
  const [, time] = within[depth] || [];
  return Number(first) <= time && time <= Number(last);
});

/** The loops of a drawn id in copies, each with its time step. */
const timesIn = (id) => id.split('/').map((part) =>
  [part.replace(TIMES, ''), Number((TIMES.exec(part) || [])[1])]);

class Schedule {
  constructor(wire) {
    this.rev = wire ? wire.rev : null;
    this.steps = wire ? wire.steps : [];
    this.names = wire ? wire.names : [];
    this.texts = wire ? wire.texts : [];
    this.blocks = wire ? wire.blocks : [];
    this.flags = wire ? wire.flags : [];
    this.seen = wire ? wire.seen : [];
    this.turns = wire ? wire.turns : [];
    this.written = wire ? wire.written : [];
    this.brought = wire ? wire.brought : {};
    this.given = wire ? wire.given : [];
    this.loops = wire ? wire.within : [];
    this.drawn = [];
    this.visits = new Map();
  }

  get length() {
    return this.steps.length;
  }

  /** One field of a step that is an index into the names. */
  named(index, field) {
    return this.names[this.steps[index][field]] || '';
  }

  /** The loops around a step, from outside in, each with its time step. */
  within(index) {
    return index < 0 ? [] : this.loops[this.steps[index][WITHIN]];
  }

  /** One of a step's names as a drawing shows it: in the copy of its time, in a box. */
  seenAs(scene, index, field) {
    return scene.seen(scene.copied(this.named(index, field), this.within(index)));
  }

  phase(index) {
    return this.steps[index][PHASE];
  }

  /** The turn that a step is in; before the first step it is the first. */
  turn(index) {
    return index < 0 ? 0 : this.steps[index][TURN];
  }

  /** All that a step writes on boxes: the box, the line (1 is that of gradients), and the text. */
  writes(index) {
    const all = [[this.written[index], this.phase(index) === 1 ? 1 : 0],
      ...(this.brought[index] || []).map((each) => [each, 0])];
    return all.filter(([written]) => written)
      .map(([[name, text], line]) => [this.names[name], line, text]);
  }

  /** The norm of a gradient that a step completes, else 0. */
  norm(index) {
    const norm = (this.written[index] || [])[2];
    return norm === 'inf' ? Infinity : norm || 0;
  }

  /** The groups around a step, outermost first. */
  path(index) {
    return this.blocks[this.steps[index][BLOCK]] || [];
  }

  flag(index) {
    return this.flags[this.steps[index][FLAG]] || '';
  }

  /** Where each step is seen in a drawing, and the steps that are seen at each box. */
  bind(scene) {
    this.visits = new Map();
    this.drawn = this.steps.map((step, index) => {
      const id = this.seenAs(scene, index, PLACE);
      if (!this.visits.has(id)) this.visits.set(id, []);
      this.visits.get(id).push(index);
      return id;
    });
  }

  /** What the steps of one stride have in common. */
  key(index, stride) {
    const step = this.steps[index];
    const pass = `${step[TURN]}|${step[PHASE]}`;
    if (stride === 'pass') return pass;
    if (stride === 'iteration') return '';
    const block = this.path(index);
    const path = stride === 'layer' ? block.slice(0, 1) : block;
    return path.length ? `${pass}|${step[WITHIN]}|${path.join(' ')}` : `${pass}|${index}`;
  }

  /** The step at which a stride from `index` ends; -1 is before the first one. */
  after(index, stride, direction) {
    if (stride === 'node') return clamp(index + direction, -1, this.length - 1);
    if (direction > 0) {
      let to = Math.min(index + 1, this.length - 1);
      while (to + 1 < this.length && this.key(to + 1, stride) === this.key(to, stride)) to++;
      return to;
    }
    let to = index;
    while (to > 0 && this.key(to - 1, stride) === this.key(index, stride)) to--;
    return to - 1;
  }

  /** The last step up to `index` that is seen at a box, of one phase or of any. */
  latest(id, index, phase) {
    const visits = this.visits.get(id) || [];
    for (let at = visits.length - 1; at >= 0; at--) {
      const step = visits[at];
      if (step <= index && (phase === undefined || this.phase(step) === phase)) return step;
    }
    return -1;
  }

  /** The next or previous step that is seen at a box. */
  visit(id, index, direction) {
    const visits = this.visits.get(id) || [];
    const found = direction > 0
      ? visits.find((step) => step > index)
      : visits.findLast((step) => step < index);
    return found === undefined ? index : found;
  }

  /** Runs of one phase: [phase, turn, first, one after the last]. */
  bands() {
    const bands = [];
    this.steps.forEach((step, index) => {
      const last = bands[bands.length - 1];
      if (last && last[0] === step[PHASE] && last[1] === step[TURN]) last[3] = index + 1;
      else bands.push([step[PHASE], step[TURN], index, index + 1]);
    });
    return bands;
  }

  /** Whether a step is seen at any of these drawn ids; in a copy, at its time. */
  touches(index, ids) {
    const step = this.steps[index];
    const names = [step[NAME], ...this.seen[step[SEEN]]].map((name) => this.names[name]);
    if (names.some((name) => ids.has(name))) return true;
    const within = this.within(index);
    return within.length > 0 && [...ids].some((id) => id.includes('@')
      && names.includes(timeless(id)) && isAt(id, within));
  }

  /** The step of the same place at another time of a loop, else the first step there. */
  moment(index, loop, time) {
    const [name, place] = [NAME, PLACE].map((field) => index < 0 ? -1 : this.steps[index][field]);
    const there = this.loops.map((within) => within.some(([, at], depth) => at === time
      && within.slice(0, depth + 1).map(([each]) => each).join('/') === loop));
    const at = this.steps.findIndex((step) => there[step[WITHIN]]
      && step[PLACE] === place && step[NAME] === name);
    return at >= 0 ? at : this.steps.findIndex((step) => there[step[WITHIN]]);
  }

  sentence(index) {
    if (!this.length) return '';
    if (index < 0) return `0/${this.length} before the first step`;
    const turn = this.turns.length > 1 ? ` (${this.turns[this.steps[index][TURN]]})` : '';
    const head = `${index + 1}/${this.length} ${PHASES[this.phase(index)]}${turn}`;
    return `${head}: ${this.texts[index] || this.named(index, NAME)}`;
  }
}
