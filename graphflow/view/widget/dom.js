// Elements, texts and the words that all parts share. Text comes in by textContent alone.

const SVG = 'http://www.w3.org/2000/svg';
const PHASES = ['forward', 'backward', 'update'];
const SIGNS = ['▶', '◀', '✎'];
const still = matchMedia('(prefers-reduced-motion: reduce)');
const ruler = document.createElement('canvas').getContext('2d');

function filled(element, attributes, parent, text) {
  for (const name in attributes) {
    if (attributes[name] !== undefined) element.setAttribute(name, attributes[name]);
  }
  if (text !== undefined) element.textContent = text;
  if (parent) parent.append(element);
  return element;
}

const draw = (tag, attributes, parent, text) =>
  filled(document.createElementNS(SVG, tag), attributes, parent, text);

const make = (tag, attributes, parent, text) =>
  filled(document.createElement(tag), attributes, parent, text);

/** A button whose name is `label`; `sign` is what is seen. */
function button(sign, label, parent, action) {
  const made = make('button', { type: 'button', 'aria-label': label, title: label }, parent, sign);
  made.addEventListener('click', action);
  return made;
}

/** A button that is on or off. */
function toggle(sign, label, parent, action) {
  return button(sign, label, parent, (event) => {
    const on = event.currentTarget.getAttribute('aria-pressed') !== 'true';
    press(event.currentTarget, on);
    action(on);
  });
}

const press = (made, on) => made.setAttribute('aria-pressed', String(Boolean(on)));

/** A choice among [value, text] pairs. */
function choice(label, pairs, parent, action) {
  const made = make('select', { 'aria-label': label, title: label }, parent);
  for (const [value, text] of pairs) make('option', { value }, made, text);
  made.addEventListener('change', () => action(made.value));
  return made;
}

/** As much of a text as `width` holds, in a font. */
function fitted(text, width, font) {
  ruler.font = font;
  if (ruler.measureText(text).width <= width) return text;
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (ruler.measureText(text.slice(0, middle) + '…').width <= width) low = middle;
    else high = middle - 1;
  }
  return text.slice(0, low) + '…';
}

const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

const PAINTING = -1;

/** Calls after the next frame is on the screen: what the host does then delays no picture. */
function painted(call) {
  if (document.hidden) call();
  else requestAnimationFrame(() => setTimeout(call));
}

/** Calls once the next frame is on the screen, then at most every `wait()` milliseconds, and always
 * for the last value; `flush` at once.
 */
function paced(call, wait) {
  let timer = 0;
  let last;
  let due = false;
  const tick = () => {
    timer = 0;
    if (due) send();
  };
  const send = () => {
    due = false;
    call(last);
    timer = setTimeout(tick, wait());
  };
  return {
    give(value) {
      last = value;
      due = true;
      if (timer) return;
      timer = PAINTING;
      painted(() => timer === PAINTING && tick());
    },
    flush() {
      clearTimeout(timer);
      timer = 0;
      if (due) send();
    },
    stop() {
      clearTimeout(timer);
      timer = 0;
      due = false;
    },
  };
}
