// A replay: the widget, and a host that holds everything it can ask for in the page itself.

const held = JSON.parse(document.getElementById('held').textContent);
const note = document.getElementById('note');
const aside = document.getElementById('detail');
const marks = { breakpoints: [], watched: [], changed: {}, failing: held.failing };
const SHORT = 'Large arrays are told by shape, mean and range. In the studio, where this page was '
  + 'made, Explore shows each as a picture and as numbers, slice by slice.';
let toggled = '';
let { cursor } = held;

/** The drawing as recorded, or with one group toggled. */
function showDrawing() {
  const drawing = toggled ? held.toggled[toggled] : held.drawing;
  give({ rev: drawing.rev, drawing });
}

function give(more) {
  const above = document.querySelector('header').offsetHeight;
  const height = clamp(innerHeight - above - 270, 300, 900);
  graph({
    parentElement: document.getElementById('graph'),
    data: { schedule: held.schedule, cursor: held.cursor, move: 0, marks: { ...marks },
      options: { ...held.options, height, replay: true }, ...more },
    setStateValue: (name, value) => name === 'cursor' && detail(value),
    setTriggerValue: (name, value) => asked[name] && asked[name](value),
  });
}

const asked = {
  toggle(group) {
    const back = toggled === group;
    if (!back && !held.toggled[group]) {
      note.textContent = `A replay holds one opened or closed group at a time, and not "${group}"`
        + ' from here: open the graph in the studio for more.';
      return;
    }
    toggled = back ? '' : group;
    note.textContent = '';
    showDrawing();
  },
  watch(name) {
    const at = marks.watched.indexOf(name);
    marks.watched = at < 0 ? [...marks.watched, name] : marks.watched.filter((n) => n !== name);
    showDrawing();
    detail(cursor);
  },
  open: () => aside.focus(),
  iterate: () => {
    note.textContent = 'A replay holds one iteration: this one.';
  },
};

function section(title, pairs) {
  if (!pairs.length) return;
  make('h3', {}, aside, title);
  const list = make('dl', {}, aside);
  for (const [name, text] of pairs) {
    make('dt', {}, list, name);
    make('dd', {}, list, text);
  }
}

/** What is watched, as the last step at it left it. */
function watched() {
  const schedule = new Schedule(held.schedule);
  return marks.watched.map((name) => {
    const at = schedule.steps.findLastIndex((_, index) => index <= cursor
      && schedule.touches(index, new Set([name])));
    return [name, at < 0 ? 'not yet' : schedule.texts[at]];
  });
}

/** The step in words and numbers, beside the picture. */
function detail(index) {
  cursor = index;
  aside.replaceChildren();
  const step = held.details[index];
  if (!step) {
    make('h2', {}, aside, 'Before the first step');
    make('p', {}, aside, 'Press play, or step with the right arrow key. ? lists all keys.');
  } else {
    make('h2', {}, aside, step.node);
    make('p', {}, aside, step.sentence);
    make('code', {}, aside, held.schedule.texts[index]);
    section('Result', step.value);
    section('From', step.operands);
    if (step.short) make('p', { class: 'more' }, aside, SHORT);
    if (step.chain.length) make('h3', {}, aside, 'Chain rule');
    for (const line of step.chain) make('code', {}, aside, line);
    section('In the file', step.source);
  }
  section('Watched', watched());
}

showDrawing();
detail(held.cursor);
document.querySelector('.canvas').focus();
