"""Popovers by keyboard: Streamlit draws them at the end of the document and leaves the focus at
their button, from which no key leads there. And links beside an open one.
"""

from __future__ import annotations

import streamlit as st

JS = """
const BODY = '[data-testid="stPopoverBody"]';
const BUTTON = '[data-testid="stPopoverButton"]';
const FIELDS = 'input, button, textarea, select, canvas, a[href], [tabindex]';

const body = () => document.querySelector(BODY);
const opener = () => document.querySelector(`${BUTTON}[aria-expanded="true"]`);
// While the focus is elsewhere, fields stand out of the order, their own place in `data-tabindex`.
const fields = () => [...body().querySelectorAll(FIELDS)].filter((field) =>
  Number(field.dataset.tabindex ?? field.tabIndex) >= 0 && !field.disabled
  && field.getClientRects().length > 0);
const CLOSING = 400; // milliseconds
let last = 0;

/** Focus a field of the popover as soon as it is there, and stays. */
function enter(tries, seen) {
  const found = body() ? fields() : [];
  const place = found[Math.min(last, found.length - 1)];
  if (place && document.activeElement !== place) place.focus();
  if (tries && !(place && place === seen)) setTimeout(() => enter(tries - 1, place), 100);
}

/** Opened by a key, a popover has the focus at once. */
function clicked(event) {
  const button = event.target.closest && event.target.closest(BUTTON);
  if (!button || event.detail !== 0 || !event.isTrusted) return;
  last = 0;
  setTimeout(() => enter(20), 100);
}

/** Tab goes round within a popover, Escape back to its button. */
function pressed(event) {
  if (!body() || event.defaultPrevented) return;
  const here = document.activeElement;
  if (event.key === 'Escape' && body().contains(here)) {
    const button = opener();
    setTimeout(() => { if (button && !body()) button.focus(); }, 100);
  } else if (event.key === 'Tab') {
    const found = fields();
    const lost = here === document.body || (here === opener() && !event.shiftKey);
    const end = found[event.shiftKey ? 0 : found.length - 1];
    if (!found.length || !(lost || here === end)) return;
    event.preventDefault();
    if (lost) enter(0);
    else found[event.shiftKey ? found.length - 1 : 0].focus();
  }
}

/** A field that was drawn anew has lost the focus: it is remembered by its place. */
function focused(event) {
  if (!body() || !body().contains(event.target)) return;
  last = Math.max(0, fields().indexOf(event.target.closest('canvas') || event.target));
}

/** A link that is clicked beside an open popover waits until this is closed and the page has heard
 * of it: heard later, that would end the run of the page that the link leads to. The popover would
 * close with the very click that it does not see.
 */
function left(event) {
  const link = event.target.closest && event.target.closest('a[href]');
  const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey;
  if (!link || elsewhere || !event.isTrusted || !opener() || body()?.contains(link)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  opener().click();
  setTimeout(() => link.click(), CLOSING);
}

export default function () {  // the same listener is added once, however often this is called
  document.addEventListener('click', clicked, true);
  document.addEventListener('click', left, true);
  document.addEventListener('keydown', pressed, true);
  document.addEventListener('focusin', focused, true);
}
"""
_mount = st.components.v2.component("graphflow_popovers", js=JS)


def popovers() -> None:
    """Once on a page that has popovers."""
    _mount(key="popovers")
