// The bar below the picture: buttons, speed, stride, the scrubber with its bands, the step's text.

const SPEEDS = [0.5, 1, 2, 4, 8, 16, 60];

class Transport {
  constructor(parent, graph) {
    this.graph = graph;
    this.playing = false;
    this.root = make('div', { class: 'transport', role: 'group', 'aria-label': 'steps' }, parent);
    const line = make('div', { class: 'said' }, this.root);
    this.badge = make('span', { class: 'badge' }, line);
    this.text = make('span', { class: 'step', role: 'status', 'aria-live': 'polite' }, line);
    this.addScrubber();
    this.addButtons();
  }

  addScrubber() {
    const track = make('div', { class: 'track' }, this.root);
    this.bands = make('div', { class: 'bands', 'aria-hidden': 'true' }, track);
    new ResizeObserver(() => this.name()).observe(this.bands);
    this.ticks = make('div', { class: 'ticks', 'aria-hidden': 'true' }, track);
    this.range = make('input', { type: 'range', min: -1, max: 0, step: 1, value: -1,
      'aria-label': 'step' }, track);
    this.range.addEventListener('input', () => {
      this.pause();
      this.graph.go(Number(this.range.value), { smooth: false });
    });
  }

  addButtons() {
    const graph = this.graph;
    const row = make('div', { class: 'row' }, this.root);
    const move = (to) => () => {
      this.pause();
      to();
    };
    button('|◀', 'first step (Home)', row, move(() => graph.go(-1)));
    button('◀', 'step back (Left)', row, move(() => this.stride(-1)));
    this.player = button('▶ play', 'play (Space)', row, () => this.switch());
    this.player.classList.add('play');
    button('▶', 'step (Right)', row, move(() => this.stride(1)));
    button('▶|', 'last step (End)', row, move(() => graph.go(graph.schedule.length - 1)));
    this.size = choice('how far a step goes', STRIDES.map((name) => [name, `by ${name}`]), row,
      () => {});
    this.speed = choice('speed', SPEEDS.map((rate) => [rate, `${rate} steps/s`]), row, () => {});
    this.speed.value = '2';
    const label = make('label', {}, row);
    this.nan = make('input', { type: 'checkbox' }, label);
    this.nan.checked = true;
    label.append(' stop at NaN');
    this.addLimit(row);
  }

  addLimit(row) {
    const label = make('label', {}, row, ' stop at ‖∇‖ > ');
    this.above = make('input', { type: 'number', min: 0, step: 'any', placeholder: 'off',
      'aria-label': 'stop where the norm of a gradient is above' }, label);
    this.above.addEventListener('change', () =>
      this.graph.option('stop_above', this.above.value === '' ? null : Number(this.above.value)));
  }

  /** Take on the limit of gradients when the host says another one. */
  limit(before, options = {}) {
    if ((before.stop_above ?? null) === (options.stop_above ?? null)) return;
    this.above.value = options.stop_above ?? '';
  }

  /** Whether a step completes a gradient above the limit. */
  steep(index) {
    return this.above.value !== '' && this.graph.schedule.norm(index) > Number(this.above.value);
  }

  /** One stride on or back; past the end of the iteration, the host is asked for the next one. */
  stride(direction, size = this.size.value) {
    const { graph } = this;
    const end = direction > 0 ? graph.schedule.length - 1 : -1;
    if (size === 'iteration' && graph.cursor === end) graph.tell('iterate', direction);
    else graph.go(graph.schedule.after(graph.cursor, size, direction));
  }

  switch() {
    if (this.playing) this.pause();
    else this.play();
  }

  play() {
    const { graph } = this;
    if (!graph.schedule.length) return;
    if (graph.cursor >= graph.schedule.length - 1) graph.go(-1);
    this.show(true);
    this.last = performance.now();
    this.frame = requestAnimationFrame((now) => this.tick(now));
  }

  tick(now) {
    if (!this.playing) return;
    const each = 1000 / Number(this.speed.value);
    if (now - this.last >= each) {
      this.last = Math.max(this.last + each, now - each);
      this.onward();
    }
    if (this.playing) this.frame = requestAnimationFrame((later) => this.tick(later));
  }

  /** One stride in play, ended early by a breakpoint, a gradient or what is not finite. */
  onward() {
    const { graph } = this;
    const { schedule, cursor } = graph;
    const aim = schedule.after(cursor, this.size.value, 1);
    let to = cursor;
    let stop = false;
    while (to < aim && !stop) {
      to++;
      stop = schedule.touches(to, graph.breakpoints) || this.steep(to)
        || (this.nan.checked && Boolean(schedule.flag(to)));
    }
    graph.go(to, { smooth: Number(this.speed.value) <= 4 });
    if (stop || to >= schedule.length - 1) this.pause();
  }

  pause() {
    if (!this.playing) return;
    cancelAnimationFrame(this.frame);
    this.show(false);
    this.graph.sending.flush();
  }

  show(playing) {
    this.playing = playing;
    const sign = playing ? '❚❚ pause' : '▶ play';
    filled(this.player, { 'aria-label': `${playing ? 'pause' : 'play'} (Space)` }, null, sign);
    this.text.setAttribute('aria-live', playing ? 'off' : 'polite');
  }

  /** Take on a schedule: its length and its bands. */
  load(schedule) {
    this.root.hidden = !schedule.length;
    this.range.max = Math.max(0, schedule.length - 1);
    this.bands.replaceChildren();
    const share = 100 / Math.max(1, schedule.length);
    for (const [phase, turn, from, to] of schedule.bands()) {
      const name = schedule.turns.length > 1 ? `${schedule.turns[turn]} ` : '';
      const band = make('div', { class: `band ${PHASES[phase]}` }, this.bands);
      band.style.width = `${(to - from) * share}%`;
      band.title = `${name}${PHASES[phase]}: steps ${from + 1} to ${to}`;
      band.words = [`${SIGNS[phase]} ${name}${PHASES[phase]}`, `${SIGNS[phase]} ${PHASES[phase]}`,
        SIGNS[phase], ''];
    }
    this.name();
  }

  /** The bands' longest names that are seen whole. */
  name() {
    for (const band of this.bands.children) {
      band.words.find((words) => {
        band.textContent = words;
        return band.scrollWidth <= band.clientWidth;
      });
    }
  }

  /** Ticks where play stops, and where a value is not finite. */
  mark() {
    const { schedule, breakpoints } = this.graph;
    this.ticks.replaceChildren();
    const share = 100 / Math.max(1, schedule.length);
    for (let index = 0; index < schedule.length; index++) {
      const flag = schedule.flag(index);
      const stop = breakpoints.size > 0 && schedule.touches(index, breakpoints);
      if (!flag && !stop) continue;
      const tick = make('span', { class: stop ? 'tick stop' : 'tick flag' }, this.ticks,
        stop ? '●' : '⚠');
      tick.style.left = `${(index + 0.5) * share}%`;
      if (this.ticks.childElementCount > 300) return;
    }
  }

  /** Say where the cursor is. */
  tell(cursor) {
    const { schedule } = this.graph;
    const sentence = schedule.sentence(cursor) + this.graph.block(cursor);
    this.range.value = String(cursor);
    this.range.setAttribute('aria-valuetext', sentence);
    this.text.textContent = this.text.title = sentence;
    this.badge.hidden = cursor < 0;
    if (cursor < 0) return;
    const phase = schedule.phase(cursor);
    this.badge.className = `badge ${PHASES[phase]}`;
    this.badge.textContent = `${SIGNS[phase]} ${PHASES[phase]}`;
  }
}
