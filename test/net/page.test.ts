import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asset } from '../../agent/io/assets.ts';
import { type Stage, startStage } from './pretend-demo.ts';

const CHROMIUM = '/usr/bin/chromium';
const here = existsSync(CHROMIUM);
if (!here && process.env['CI'] !== undefined) throw new Error(`the pages need ${CHROMIUM}`);
if (!here) console.log(`NOT RUN  the pages in a browser: ${CHROMIUM} is not installed`);

describe.skipIf(!here)('the pages in a browser', () => {
  let stage: Stage;
  let browser: Browser;
  const complaints: string[] = [];

  beforeAll(async () => {
    stage = await startStage(new Uint8Array(asset('testcard.mpegts')));
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
  });

  afterAll(async () => {
    await browser.close();
    await stage.stop();
  });

  async function open(url: string, width = 1280, height = 800): Promise<Page> {
    const page = await browser.newPage({ viewport: { width, height } });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    await page.goto(url);
    return page;
  }

  /** Waits until the video has moved on by `seconds` from wherever it is; answers with the frames decoded. */
  async function plays(page: Page, seconds: number): Promise<number> {
    const time = (): Promise<number> => page.evaluate(`document.querySelector('#video').currentTime`);
    let first = 0;
    while (first === 0) first = await time();
    while ((await time()) < first + seconds) await page.waitForTimeout(50);
    return page.evaluate(`document.querySelector('#video').getVideoPlaybackQuality().totalVideoFrames`);
  }

  test('the page of a household plays its channel and names the addresses for other players', async () => {
    const page = await open(stage.home);
    expect(await plays(page, 1)).toBeGreaterThan(10);
    expect(await page.textContent('#list-url')).toBe(`${stage.home}playlist.m3u`);
    expect(await page.textContent('#facts')).toContain('keeps port numbers');
    await page.close();
  });

  test('the demo shows the picture, three households fed by each other, and takes orders', async () => {
    const page = await open(stage.url);
    expect(await plays(page, 1)).toBeGreaterThan(10);
    expect(await page.locator('.house[data-state=watching]').count()).toBe(3);
    expect(await page.locator('.path-label:visible').count()).toBe(3);
    // Everything that matters stands in the first screen.
    expect(await page.evaluate('document.documentElement.scrollHeight')).toBeLessThanOrEqual(800);
    await page.getByRole('button', { name: 'Cut Household A off' }).click();
    await page.locator('.house[data-state=cut]').waitFor();
    await page.getByText('moved to').or(page.getByText('is fed by')).first().waitFor();
    await page.getByRole('button', { name: 'Switch Household A on again' }).click();
    await page.locator('.house[data-state=cut]').waitFor({ state: 'detached' });
    await page.selectOption('#nat', 'random');
    await page.getByRole('button', { name: 'Add a household' }).press('Enter');
    await page.locator('.house').nth(3).waitFor();
    await page.close();
  });

  test('on a phone the picture comes first and nothing sticks out sideways', async () => {
    const page = await open(stage.url, 390, 844);
    await page.locator('.house').first().waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    const video = await page.locator('#video').boundingBox();
    expect(video?.y).toBeLessThan(200);
    await page.close();
  });

  test('in the forest a home is killed by clicking, and the gap is told in milliseconds', async () => {
    const page = await open(`${stage.url}tree`);
    await page.getByText('31', { exact: true }).first().waitFor();
    const tree = page.locator('#tree');
    await tree.focus();
    // By the keyboard to a child of the origin, which feeds many.
    await tree.press('ArrowDown');
    const first = (await page.textContent('#chosen')) ?? '';
    await page.getByText('steps from the origin').waitFor();
    // By the mouse to another that feeds somebody: the canvas takes the home that is nearest.
    const box = await tree.boundingBox();
    if (box === null) throw new Error('no canvas');
    const feeding = page.locator('#facts', { hasText: /it feedshome/ });
    const isAnother = async (): Promise<boolean> =>
      (await page.textContent('#chosen')) !== first && (await feeding.count()) === 1;
    const places = [0.3, 0.45, 0.6, 0.75].flatMap((x) => [0.6, 0.5, 0.4, 0.3].map((y) => ({ x, y })));
    for (const { x, y } of places) {
      if (await isAnother()) break;
      await page.mouse.click(box.x + box.width * x, box.y + box.height * y);
      await page.waitForTimeout(150);
    }
    expect(await isAnother()).toBe(true);
    await page.locator('#kill:enabled').click();
    const told = page.locator('#blows li').first();
    await told.getByText(/hung below, .* First repaired block after \d+ ms.* new parent after \d+ ms/).waitFor();
    expect(await told.textContent()).toMatch(
      /latest block was \d+ ms late: (no gap|\d+ homes? saw a gap) at a cushion of 0.7 s/,
    );
    expect(await page.textContent('#told')).toContain('It has gone');
    // A thousand are drawn fast enough for a slow laptop too.
    await page.getByRole('button', { name: '10×' }).click();
    await page.getByRole('button', { name: '1,000' }).click();
    await page.locator('#homes', { hasText: /^(9\d\d|1,000)$/ }).waitFor();
    expect(Number.parseFloat((await page.textContent('#drawn'))?.replace('drawn in ', '') ?? '')).toBeLessThan(30);
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    await page.close();
  });

  test('no page complained: no script error, nothing stopped by the content policy', () => {
    expect(complaints).toEqual([]);
  });
});
