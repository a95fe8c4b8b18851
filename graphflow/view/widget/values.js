// What is written on boxes at the cursor: values, and gradients as far as they are known.

class Values {
  constructor() {
    this.schedule = new Schedule(null);
    this.boxes = new Map();
    this.touched = [];
  }

  /** Which steps write on each box of a drawing: on its line of values, on that of gradients. */
  bind(schedule, scene) {
    Object.assign(this, { schedule, scene, index: undefined, boxes: new Map() });
    this.touched = schedule.steps.map(() => []);
    const texts = new Map();
    schedule.steps.forEach((_, step) => {
      for (const [at, line, text] of schedule.writes(step)) {
        const name = scene.copied(at, schedule.within(step));
        if (!texts.has(name)) texts.set(name, [[], []]);
        texts.get(name)[line].push([step, text]);
      }
    });
    for (const node of scene.nodes.values()) {
      if (!node.rows.length) continue;
      const names = node.gives || [node.id];
      const found = names.map((name) => texts.get(name) || [[], []]);
      const lines = [0, 1].map((line) => found.flatMap((each) => each[line])
        .sort(([a], [b]) => a - b));
      const box = { node, names, lines };
      this.boxes.set(node.id, box);
      for (const [step] of lines.flat()) this.touched[step].push(box);
    }
  }

  /** Bring all boxes up to date; in one turn only those that a step between has written on. */
  show(index) {
    const { schedule } = this;
    const turn = schedule.turn(index);
    let boxes = new Set(this.boxes.values());
    if (this.index !== undefined && turn === schedule.turn(this.index)) {
      const [from, to] = [Math.min(index, this.index) + 1, Math.max(index, this.index) + 1];
      boxes = new Set(this.touched.slice(from, to).flat());
    }
    this.index = index;
    for (const box of boxes) this.write(box, index, turn);
  }

  write({ node, names, lines }, index, turn) {
    const { schedule } = this;
    const given = schedule.given[turn] || {};
    node.rows.forEach((row, line) => {
      const last = lines[line].findLast(([at]) => at <= index && schedule.turn(at) === turn);
      const first = line ? '' : given[names.find((name) => given[name])] || '';
      const text = last ? last[1] : first;
      if (row.textContent !== text) row.textContent = text;
    });
  }
}
