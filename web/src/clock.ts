/**
 * The time of the dance. With a song the audio element is the master: its currentTime is what is heard, but it advances in
 * steps, so between steps the time runs on by performance.now and is drawn gently to the audio. Without one it runs alone.
 */

const SNAP = 0.1; // s: a difference beyond this is a seek or a stall, not jitter
const PULL = 0.08; // share of the difference corrected per frame

export class Clock {
  loop = false;
  /** Part that is played again and again, s; null for none. */
  range: [number, number] | null = null;
  /** Lead of the picture over the sound, s: for headphones that play late. */
  offset = 0;
  onChange: () => void = () => {};
  private current = 0;
  private lastNow = 0;
  private heard = -1;
  private heardAt = 0;
  private running = false;
  private speed = 1;
  /** False once the song has ended before the dance, or cannot be played. */
  private audible: boolean;

  constructor(
    private readonly audio: HTMLAudioElement | null,
    readonly duration: number,
  ) {
    this.audible = audio !== null;
    audio?.addEventListener("error", () => this.goSilent());
    audio?.addEventListener("ended", () => this.goSilent());
    // Headphone buttons and the system's media keys act on the element itself.
    audio?.addEventListener("pause", () => {
      if (this.running && this.audible && !audio.ended) this.pause();
    });
    audio?.addEventListener("play", () => {
      if (!this.running) void this.play();
    });
  }

  get playing(): boolean {
    return this.running;
  }

  get time(): number {
    return this.current;
  }

  get rate(): number {
    return this.speed;
  }

  set rate(value: number) {
    this.speed = value;
    if (this.audio) this.audio.playbackRate = value;
    this.heard = -1;
    this.onChange();
  }

  async play(): Promise<void> {
    if (this.running) return;
    if (this.current >= this.duration - 1e-3) this.seek(0);
    this.running = true;
    this.lastNow = performance.now();
    this.heard = -1;
    this.onChange();
    if (this.audio && this.audible && this.audio.paused) {
      try {
        await this.audio.play();
      } catch (error) {
        if ((error as DOMException).name === "AbortError") return; // paused again before it began
        if ((error as DOMException).name === "NotAllowedError") this.pause(); // the browser wants a click first
        else this.goSilent();
      }
    }
  }

  pause(): void {
    this.running = false;
    this.audio?.pause();
    this.onChange();
  }

  toggle(): void {
    if (this.running) this.pause();
    else void this.play();
  }

  seek(time: number): void {
    this.current = Math.min(Math.max(time, 0), this.duration);
    this.heard = -1;
    if (this.audio && !this.audio.error) {
      const inside = !(this.current >= this.audio.duration); // true while the duration is not known yet
      this.audible = inside;
      if (inside) {
        this.audio.currentTime = this.current;
        if (this.running && this.audio.paused) void this.audio.play().catch(() => this.goSilent());
      } else if (!this.audio.paused) {
        this.audio.pause();
      }
    }
    this.onChange();
  }

  /** Advance to the picture about to be shown; returns the time of the dance in s. */
  tick(now: number): number {
    const elapsed = Math.min((now - this.lastNow) / 1000, 0.25);
    this.lastNow = now;
    if (!this.running) return this.current;
    let time = this.current + elapsed * this.speed;
    if (this.audio && this.audible) {
      if (this.audio.seeking || this.audio.readyState < 2) return this.current; // wait for the sound
      const reported = this.audio.currentTime;
      if (reported !== this.heard) {
        this.heard = reported;
        this.heardAt = now;
      }
      const sound = reported + Math.min((now - this.heardAt) / 1000, 0.1) * this.speed + this.offset;
      const error = sound - time;
      time = Math.abs(error) > SNAP ? sound : time + PULL * error;
      time = Math.max(time, Math.min(this.current, sound + SNAP)); // never backwards for mere jitter
    }
    if (this.range && time >= this.range[1] && this.current < this.range[1] + 0.3) {
      this.seek(this.range[0]);
      return this.current;
    }
    if (time >= this.duration) {
      if (this.loop) {
        this.seek(0);
        return 0;
      }
      this.current = this.duration;
      this.pause();
      return this.current;
    }
    this.current = Math.max(time, 0);
    return this.current;
  }

  private goSilent(): void {
    this.audible = false;
    this.heard = -1;
  }
}
