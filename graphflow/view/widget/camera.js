// What part of the drawing is seen, how large, and the small map of the whole.

const MAP = [110, 130];
const READ = 0.35;
const GLIDE = 180;

class Camera {
  /** `moved()` is called after every change; `layer` is the sheet that is moved and scaled. */
  constructor(canvas, layer, moved) {
    Object.assign(this, { canvas, layer, moved, k: 1, x: 0, y: 0, w: 0, h: 0, width: 1, height: 1 });
    this.motion = 0;
    this.begun = true;
    this.size = new ResizeObserver(() => this.resized());
    this.size.observe(canvas);
    canvas.addEventListener('wheel', (event) => this.wheel(event), { passive: false });
  }

  measure() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const changed = width !== this.width || height !== this.height;
    Object.assign(this, { width: width || 1, height: height || 1 });
    return changed;
  }

  /** What could not be placed while there was no room is placed now. */
  resized() {
    if (!this.measure()) return;
    if (this.begun) this.set(this.k, this.x, this.y);
    else this.start();
  }

  set(k, x, y) {
    Object.assign(this, { k, x, y });
    this.layer.style.transform = `translate(${x}px,${y}px) scale(${k})`;
    this.layer.classList.toggle('far', k < 0.6);
    this.layer.classList.toggle('lod', k < READ);
    this.moved();
  }

  /** Take on the size of a drawing. */
  measureDrawing(drawing) {
    Object.assign(this, { w: Math.max(1, drawing.w), h: Math.max(1, drawing.h) });
  }

  fitting() {
    return Math.min((this.width - 24) / this.w, (this.height - 48) / this.h);
  }

  /** The whole drawing in the middle. */
  fit() {
    cancelAnimationFrame(this.motion);
    const k = clamp(this.fitting(), 0.01, 1.6);
    this.set(k, (this.width - this.w * k) / 2, (this.height - this.h * k) / 2 + 8);
  }

  /** The whole drawing if it can be read so, else its beginning. */
  start() {
    this.measure();
    this.begun = this.width > 1 && this.height > 1;
    if (this.fitting() >= 0.62) return this.fit();
    const k = clamp(Math.max(this.width / this.w, this.height / this.h) * 0.95, 0.7, 1);
    const at = (room, size) => size * k < room ? (room - size * k) / 2 : 24;
    return this.set(k, at(this.width, this.w), at(this.height, this.h));
  }

  /** Larger or smaller about a point of the canvas, its middle by default. */
  zoom(factor, px = this.width / 2, py = this.height / 2) {
    const k = clamp(this.k * factor, 0.02, 6);
    const f = k / this.k;
    cancelAnimationFrame(this.motion);
    this.set(k, px - (px - this.x) * f, py - (py - this.y) * f);
  }

  wheel(event) {
    event.preventDefault();
    const box = this.canvas.getBoundingClientRect();
    const step = event.deltaY * (event.deltaMode ? 16 : 1);
    this.zoom(Math.exp(-step * 0.0015), event.clientX - box.left, event.clientY - box.top);
  }

  pan(dx, dy) {
    cancelAnimationFrame(this.motion);
    this.set(this.k, this.x + dx, this.y + dy);
  }

  /** The place of a box on the canvas; of one that is out of view, the nearest that is in it. */
  inside(box) {
    const [x, y] = this.place(box);
    return [clamp(x, 60, Math.max(60, this.width - 60)), clamp(y, 30, Math.max(30, this.height - 30))];
  }

  /** A point of the drawing into the middle of the canvas. */
  center(x, y) {
    this.glide([this.width / 2 - x * this.k, this.height / 2 - y * this.k], false);
  }

  /** To a place, smoothly where motion is welcome. */
  glide(to, smooth) {
    cancelAnimationFrame(this.motion);
    if (!smooth || still.matches) return this.set(this.k, ...to);
    const [from, began] = [[this.x, this.y], performance.now()];
    const frame = (now) => {
      const t = clamp((now - began) / GLIDE, 0, 1);
      const eased = t * (2 - t);
      this.set(this.k, ...from.map((value, axis) => value + (to[axis] - value) * eased));
      if (t < 1) this.motion = requestAnimationFrame(frame);
    };
    this.motion = requestAnimationFrame(frame);
    return undefined;
  }

  /** Whether all of the drawing is in view. */
  get whole() {
    return this.x >= 0 && this.y >= 0 && this.x + this.w * this.k <= this.width
      && this.y + this.h * this.k <= this.height;
  }

  /** Keep a box in view, and large enough to be read: move only if it is near the rim, and not
   * while all is in view.
   */
  reveal(node, smooth) {
    if (this.k < READ) {
      this.set(0.8, this.x, this.y);
      return void this.glide(this.about(node), false);
    }
    if (this.whole) return;
    const [x, y] = this.place(node);
    const aside = Math.min(80, this.width / 6) + Math.min(node.w * this.k, this.width / 2) / 2;
    const over = Math.min(60, this.height / 6) + Math.min(node.h * this.k, this.height / 2) / 2;
    const across = x > aside && x < this.width - aside;
    const down = y > over && y < this.height - over;
    if (across && down) return;
    const to = this.about(node);
    this.glide([across ? this.x : to[0], down ? this.y : to[1]], smooth);
  }

  /** Where the drawing is once a box is in the middle, or as near as its end allows: no more than
   * a margin beside the drawing stays empty.
   */
  about(node) {
    return [[this.width, this.w, node.x], [this.height, this.h, node.y]].map(([room, size, at]) => {
      const span = size * this.k;
      if (span + 48 < room) return (room - span) / 2;
      return clamp(room / 2 - at * this.k, room - span - 24, 24);
    });
  }

  /** Where the middle of a box is on the canvas. */
  place(node) {
    return [node.x * this.k + this.x, node.y * this.k + this.y];
  }
}

/** All boxes in small, the part in view, and the cursor; a click or drag moves the view. */
class Minimap {
  constructor(parent, camera) {
    this.camera = camera;
    this.wanted = true;
    this.root = make('div', { class: 'map', 'aria-hidden': 'true' }, parent);
    this.picture = make('canvas', {}, this.root);
    this.view = make('div', { class: 'view' }, this.root);
    this.dot = make('div', { class: 'dot' }, this.root);
    const go = (event) => {
      if (!event.buttons) return;
      const box = this.picture.getBoundingClientRect();
      camera.center((event.clientX - box.left) / this.scale, (event.clientY - box.top) / this.scale);
    };
    for (const kind of ['pointerdown', 'pointermove']) this.root.addEventListener(kind, go);
    this.root.addEventListener('pointerdown', (event) => {
      this.root.setPointerCapture(event.pointerId);
    });
  }

  paint(drawing, colour) {
    const { w, h } = this.camera;
    this.scale = Math.min(MAP[0] / w, MAP[1] / h);
    const [width, height] = [Math.max(24, w * this.scale), Math.max(24, h * this.scale)];
    const dense = devicePixelRatio || 1;
    Object.assign(this.picture, { width: width * dense, height: height * dense });
    Object.assign(this.picture.style, { width: `${width}px`, height: `${height}px` });
    const pen = this.picture.getContext('2d');
    pen.scale(dense * this.scale, dense * this.scale);
    pen.lineWidth = 1 / this.scale;
    pen.strokeStyle = pen.fillStyle = colour;
    pen.globalAlpha = 0.4;
    for (const group of drawing.groups) pen.strokeRect(group.x, group.y, group.w, group.h);
    pen.globalAlpha = 0.7;
    for (const node of drawing.nodes) {
      pen.fillRect(node.x - node.w / 2, node.y - node.h / 2, node.w, node.h);
    }
  }

  /** Show what is in view; hidden while that is all. */
  moved(node, phase) {
    const { camera, scale } = this;
    if (!scale) return;
    this.root.hidden = camera.whole || !this.wanted;
    if (this.root.hidden) return;
    const to = scale / camera.k;
    Object.assign(this.view.style, {
      left: `${-camera.x * to}px`, top: `${-camera.y * to}px`,
      width: `${camera.width * to}px`, height: `${camera.height * to}px`,
    });
    this.dot.hidden = !node;
    if (!node) return;
    this.dot.className = `dot ${PHASES[phase]}`;
    Object.assign(this.dot.style, { left: `${node.x * scale}px`, top: `${node.y * scale}px` });
  }
}
