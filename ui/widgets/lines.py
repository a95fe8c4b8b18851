"""A text with numbered lines, one of them marked; a line that is clicked is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

CSS = """
.lines{margin:0;padding:0;list-style:none;max-height:420px;overflow:auto;
  border:1px solid var(--st-border-color);border-radius:6px;font:12.5px/1.5 var(--st-code-font);
  color:var(--st-text-color)}
.lines button{display:block;width:100%;box-sizing:border-box;border:0;border-left:4px solid
  transparent;background:none;color:inherit;font:inherit;text-align:left;padding:0 6px;
  white-space:pre;cursor:pointer}
.lines button[disabled]{cursor:default}
.lines button:not([disabled]):hover{background:var(--st-secondary-background-color)}
.lines button:focus-visible{outline:2px solid var(--st-primary-color);outline-offset:-2px}
.lines button[aria-current]{border-left-color:var(--st-primary-color);font-weight:700;
  background:var(--st-secondary-background-color)}
.lines .n{display:inline-block;min-width:2.5em;padding-right:1em;text-align:right;opacity:.75;
  font-weight:400}
"""
JS = """
export default function ({data, parentElement, setTriggerValue}) {
  let list = parentElement.querySelector('ol');
  if (!list) {
    list = document.createElement('ol');
    list.className = 'lines';
    list.setAttribute('aria-label', 'the file');
    parentElement.appendChild(list);
  }
  if (list.text !== data.text) {
    list.text = data.text;
    list.replaceChildren(...data.text.split('\\n').map((text, index) => {
      const row = document.createElement('li');
      const line = document.createElement('button');
      const number = document.createElement('span');
      number.className = 'n';
      number.textContent = String(index + 1);
      line.append(number, text);
      line.onclick = () => list.tell(index + 1);
      row.append(line);
      return row;
    }));
  }
  list.tell = (line) => setTriggerValue('line', line);
  const known = new Set(data.known);
  [...list.querySelectorAll('button')].forEach((line, index) => {
    line.disabled = !known.has(index + 1);
    if (data.line === index + 1) line.setAttribute('aria-current', 'true');
    else line.removeAttribute('aria-current');
  });
  const marked = list.querySelector('[aria-current]');
  if (marked && list.marked !== data.line) {
    const row = marked.parentElement;
    list.scrollTop = row.offsetTop - list.offsetTop - list.clientHeight / 2;
  }
  list.marked = data.line;
}
"""
_mount = st.components.v2.component("graphflow_lines", js=JS, css=CSS)


def lines(
    text: str, line: int, known: Sequence[int], key: str, on_line: Callable[[int], None]
) -> None:
    """Show ``text`` with ``line`` (from 1; 0 for none) marked; those in ``known`` can be chosen."""

    def told() -> None:
        chosen = st.session_state[key].get("line")
        if chosen in known:
            on_line(chosen)

    _mount(key=key, data={"text": text, "line": line, "known": list(known)}, on_line_change=told)
