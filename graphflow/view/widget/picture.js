// The drawing as a file of its own: styles written into the elements, nothing asked of a network.

const STYLES = ['fill', 'fill-opacity', 'stroke', 'stroke-width', 'stroke-dasharray', 'opacity',
  'font-size', 'font-weight', 'font-family', 'text-anchor', 'paint-order', 'stroke-linejoin'];
const LARGEST = 8192;

function styled(from, to) {
  const style = getComputedStyle(from);
  if (style.display === 'none') return to.remove();
  if (!['g', 'defs', 'svg'].includes(from.tagName)) {
    to.setAttribute('style', STYLES.map((name) => `${name}:${style.getPropertyValue(name)}`)
      .join(';'));
  } else if (style.opacity !== '1') to.setAttribute('opacity', style.opacity);
  const children = [...to.children];
  [...from.children].forEach((child, index) => styled(child, children[index]));
  return undefined;
}

/** The whole drawing as the text of an SVG file. */
function pictureOf(scene, paper) {
  const { w, h } = scene.drawing;
  const margin = 24;
  const size = [w + 2 * margin, h + 2 * margin];
  const root = draw('svg', { xmlns: SVG, width: size[0], height: size[1],
    viewBox: `${-margin} ${-margin} ${size.join(' ')}` });
  draw('rect', { x: -margin, y: -margin, width: size[0], height: size[1], fill: paper }, root);
  const view = scene.layer.parentNode;
  const away = ['far', 'lod'].filter((name) => view.classList.contains(name));
  view.classList.remove(...away);
  for (const tile of scene.layer.querySelectorAll('.tile')) {
    const copy = draw('g', {}, root);
    copy.append(...tile.cloneNode(true).childNodes);
    styled(tile, copy);
  }
  view.classList.add(...away);
  for (const element of root.querySelectorAll('[data-node],[data-toggle]')) {
    for (const name of ['data-node', 'data-toggle', 'class', 'role']) {
      element.removeAttribute(name);
    }
  }
  return { text: new XMLSerializer().serializeToString(root), size };
}

function save(blob, name) {
  const url = URL.createObjectURL(blob);
  make('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/** Hand out the picture as a file, 'svg' or 'png'. */
function download(scene, paper, kind) {
  const { text, size } = pictureOf(scene, paper);
  if (kind === 'svg') return save(new Blob([text], { type: 'image/svg+xml' }), 'graph.svg');
  const scale = Math.min(2, LARGEST / Math.max(...size));
  const image = new Image();
  image.onload = () => {
    const sheet = make('canvas', { width: Math.round(size[0] * scale),
      height: Math.round(size[1] * scale) });
    sheet.getContext('2d').drawImage(image, 0, 0, sheet.width, sheet.height);
    sheet.toBlob((blob) => save(blob, 'graph.png'), 'image/png');
  };
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  return undefined;
}
