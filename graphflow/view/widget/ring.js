// Where the cursor is: a ring around its box, and a flag beside it that names the phase.

class Ring {
  constructor(parent, camera) {
    this.camera = camera;
    this.side = [1, 0];
    const over = draw('svg', { class: 'over', 'aria-hidden': 'true' }, parent);
    this.root = draw('g', { class: 'here' }, over);
    this.ring = draw('rect', { class: 'ring', rx: 8 }, this.root);
    this.flag = draw('path', { class: 'flag' }, this.root);
    this.word = draw('text', { class: 'word' }, this.root);
  }

  /** Put it around a box of the canvas; it keeps its size, whatever the zoom. */
  show(node, phase) {
    this.root.classList.toggle('away', !node);
    if (!node) return;
    const { camera } = this;
    const [x, y] = camera.place(node);
    const [w, h] = [node.w, node.h].map((side) => Math.max(side * camera.k, 12) + 8);
    filled(this.ring, { x: x - w / 2, y: y - h / 2, width: w, height: h });
    const word = `${SIGNS[phase]} ${PHASES[phase]}`;
    this.root.setAttribute('class', `here ${PHASES[phase]}`);
    const wide = 18 + 7 * word.length;
    const [sx, sy] = this.side;
    const left = clamp(x - wide / 2 + sx * (w / 2 + wide / 2 + 8), 2, camera.width - wide - 2);
    const top = clamp(y - 9 + sy * (h / 2 + 17), 2, camera.height - 20);
    const [mx, my] = [left + wide / 2, top + 9];
    const [bx, by] = [mx - sx * wide / 2, my - sy * 9];
    const tip = [[bx - sy * 6, by - sx * 6], [bx - sx * 8, by - sy * 8], [bx + sy * 6, by + sx * 6]];
    this.flag.setAttribute('d', `M${left} ${top}h${wide}v18H${left}ZM${tip.join('L')}Z`);
    filled(this.word, { x: mx, y: top + 13 }, null, word);
  }

  /** Choose the side of a box on which the flag covers no other: right, left, above, else below. */
  turn(node, nodes) {
    const { k } = this.camera;
    const [wide, high] = [104 / k, 28 / k];
    const near = [...nodes].filter((other) => other !== node
      && Math.abs(other.x - node.x) < (other.w + node.w) / 2 + wide
      && Math.abs(other.y - node.y) < (other.h + node.h) / 2 + high);
    const clear = ([sx, sy]) => near.every((other) =>
      Math.abs(other.x - node.x - sx * (node.w + wide) / 2) > (other.w + wide) / 2
      || Math.abs(other.y - node.y - sy * (node.h + high) / 2) > (other.h + high) / 2);
    this.side = [[1, 0], [-1, 0], [0, -1]].find(clear) || [0, 1];
  }
}
