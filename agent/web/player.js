/* global mpegts */
// A live MPEG-TS player that looks after itself: starts muted, stays close to live, says what is wrong and tries again.

const LIVE = {
  enableWorker: false,
  enableStashBuffer: false,
  lazyLoad: false,
  autoCleanupSourceBuffer: true,
  autoCleanupMaxBackwardDuration: 20,
  autoCleanupMinBackwardDuration: 10,
  // A little faster while more than 1.2 s behind; a jump only when hopelessly late.
  liveSync: true,
  liveSyncMaxLatency: 1.2,
  liveSyncTargetLatency: 0.8,
  liveSyncPlaybackRate: 1.1,
  liveBufferLatencyChasing: true,
  liveBufferLatencyMaxLatency: 3,
  liveBufferLatencyMinRemain: 0.6,
};
/**
 * A connection that is silent for so long may be dead. Not sooner: while a household looks for a new parent, a second
 * connection would wait as well, and the library keeps the first one open until it hears from it again.
 */
const STANDS_STILL_MS = 20_000;
/** A hole in the stream is jumped over after this long: what is missing will not come any more. */
const HOLE_MS = 600;

// The player tells its troubles in the page; the library's own diary would fill the console.
if (typeof mpegts !== 'undefined') mpegts.LoggingControl.enableAll = false;

export const canPlay = () => typeof mpegts !== 'undefined' && mpegts.isSupported();

export class Player {
  #video;
  #tell;
  #url;
  #engine;
  #tries = 0;
  #retry;
  #watch;
  #moved = { at: 0, time: -1 };

  /** `tell({state: 'waiting' | 'playing' | 'trouble' | 'off', text})` is called when something changes. */
  constructor(video, tell = () => {}) {
    this.#video = video;
    this.#tell = tell;
    video.muted = true;
    video.playsInline = true;
    video.addEventListener('playing', () => {
      this.#tries = 0;
      this.#tell({ state: 'playing', text: '' });
    });
    video.addEventListener(
      'waiting',
      () => this.#engine && this.#tell({ state: 'waiting', text: 'Waiting for the stream…' }),
    );
  }

  get url() {
    return this.#url;
  }

  /** Seconds behind the newest picture received; undefined before the first. */
  get behind() {
    const { buffered, currentTime } = this.#video;
    return buffered.length === 0 ? undefined : Math.max(0, buffered.end(buffered.length - 1) - currentTime);
  }

  play(url) {
    if (url === this.#url) return;
    this.stop();
    this.#url = url;
    this.#tries = 0;
    if (!canPlay()) {
      this.#tell({
        state: 'trouble',
        text: 'This browser cannot play live streams by itself. Open the address below in VLC or on your television.',
      });
      return;
    }
    this.#start();
    this.#watch = setInterval(() => this.#look(), 300);
  }

  stop() {
    clearTimeout(this.#retry);
    clearInterval(this.#watch);
    this.#drop();
    this.#url = undefined;
    this.#tell({ state: 'off', text: '' });
  }

  #start() {
    this.#drop();
    this.#moved = { at: performance.now(), time: -1 };
    this.#tell({ state: 'waiting', text: this.#tries === 0 ? 'Tuning in…' : 'Trying again…' });
    const engine = mpegts.createPlayer({ type: 'mpegts', isLive: true, cors: true, url: this.#url }, LIVE);
    this.#engine = engine;
    engine.attachMediaElement(this.#video);
    engine.on(mpegts.Events.ERROR, (type, detail, info) => this.#failed(inWords(type, detail, info)));
    engine.on(mpegts.Events.LOADING_COMPLETE, () => this.#failed('The stream ended.'));
    engine.load();
    // Refused only while the page may not play even muted video; the picture then waits for a click.
    Promise.resolve(engine.play()).catch(() => {});
  }

  #drop() {
    const engine = this.#engine;
    this.#engine = undefined;
    if (engine === undefined) return;
    engine.destroy();
  }

  #failed(text) {
    if (this.#engine === undefined) return;
    this.#drop();
    const wait = Math.min(8000, 500 * 2 ** this.#tries++);
    this.#tell({
      state: 'trouble',
      text: `${text} Trying again${wait < 1000 ? '' : ` in ${Math.round(wait / 1000)} s`}…`,
    });
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#start(), wait);
  }

  /** A picture that stands still although nobody paused it is an error that nobody reported. */
  #look() {
    if (this.#engine === undefined || document.hidden) {
      this.#moved.at = performance.now();
      return;
    }
    if (this.#video.currentTime !== this.#moved.time || this.#video.paused) {
      this.#moved = { at: performance.now(), time: this.#video.currentTime };
    } else if (performance.now() - this.#moved.at > STANDS_STILL_MS) {
      this.#failed('Nothing has arrived for a while.');
    } else if (performance.now() - this.#moved.at > HOLE_MS) {
      this.#leap();
    }
  }

  #leap() {
    const { buffered, currentTime } = this.#video;
    for (let i = 0; i < buffered.length; i++) {
      if (buffered.start(i) <= currentTime) continue;
      this.#video.currentTime = buffered.start(i) + 0.05;
      return;
    }
  }
}

function inWords(type, detail, info) {
  if (detail === 'HttpStatusCodeInvalid') {
    if (info?.code === 503) return 'All places of this household are taken. Close another player.';
    if (info?.code === 404) return 'This channel is not here.';
    return `The household refused (${info?.code}).`;
  }
  if (type === 'NetworkError') return 'The household does not answer.';
  if (type === 'MediaError') return 'This browser could not decode the picture.';
  return 'The player stopped.';
}
