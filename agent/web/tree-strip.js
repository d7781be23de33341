import { colours, sharpen } from './ink.js';

/** The last minute as bars, with the cushion as a line. */
export function drawStrip(canvas, worst, cushion) {
  const pen = sharpen(canvas);
  const { clientWidth: width, clientHeight: height } = canvas;
  const ink = colours();
  const [left, foot] = [52, 14];
  const most = Math.max(cushion * 1.5, ...worst);
  // Twice as late is one step higher, wherever: 200 ms and 20 s stand in the same picture.
  const up = (ms) => Math.log2(1 + ms / 100);
  const y = (ms) => 4 + (height - foot - 4) * (1 - up(ms) / up(most));
  const wide = (width - left) / worst.length;
  pen.clearRect(0, 0, width, height);
  for (const [i, ms] of worst.entries()) {
    pen.fillStyle = ms > cushion ? ink.bad : ink.relay;
    if (ms > 0)
      pen.fillRect(left + i * wide + 1, Math.min(y(ms), y(0) - 2), Math.max(1, wide - 2), Math.max(2, y(0) - y(ms)));
  }
  pen.fillStyle = pen.strokeStyle = ink.dim;
  pen.font = '11px system-ui, sans-serif';
  pen.textAlign = 'right';
  pen.fillText(`${cushion} ms`, left - 6, y(cushion) + 4);
  if (most > cushion * 3) pen.fillText(`${(most / 1000).toFixed(1)} s`, left - 6, 12);
  pen.textAlign = 'left';
  pen.fillText('a minute ago', left, height - 2);
  pen.textAlign = 'right';
  pen.fillText('now', width - 1, height - 2);
  pen.fillRect(left, y(0), width - left, 1);
  pen.setLineDash([4, 4]);
  pen.beginPath();
  pen.moveTo(left, y(cushion));
  pen.lineTo(width, y(cushion));
  pen.stroke();
  pen.setLineDash([]);
}
