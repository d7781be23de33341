// Canvases: sharp on every screen, in the colours of the page.

/** As many dots as the screen has. */
export function sharpen(canvas) {
  const scale = devicePixelRatio;
  const [width, height] = [Math.round(canvas.clientWidth * scale), Math.round(canvas.clientHeight * scale)];
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const pen = canvas.getContext('2d');
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  return pen;
}

/** The page's colours, light or dark as it is now. */
export function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  return {
    ember: of('--ember'),
    wire: of('--wire'),
    relay: of('--relay'),
    relaySoft: of('--relay-soft'),
    thread: of('--thread'),
    lamp: of('--lamp'),
    bad: of('--bad'),
    dim: of('--dim'),
    text: of('--text'),
  };
}
