const $ = (id) => document.getElementById(id);
let timer;

/** A sentence at the foot of the page, for some seconds. */
export function toast(text) {
  clearTimeout(timer);
  $('toast').textContent = text;
  $('toast').hidden = false;
  timer = setTimeout(() => ($('toast').hidden = true), 6000);
}

/** Gives the demo an order; says so when it is refused. */
export async function order(path, body) {
  try {
    const answer = await fetch(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) toast(await answer.text());
  } catch {
    toast(SILENT);
  }
}

export const SILENT = 'The demo does not answer. Is it still running?';
