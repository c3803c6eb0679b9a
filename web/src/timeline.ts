/** The time line: loudness, beats (downbeats stronger), marked frames, playhead; a slider for mouse, touch and keyboard. */

export interface TimelineData {
  duration: number;
  beats: number[];
  downbeats: boolean[];
  energy: { rate: number; values: Uint8Array } | null;
  /** Marked times, s, and how far apart two of neighbouring frames are. */
  marks: number[];
  frame: number;
}

const PAD = 7; // CSS pixels left free at both ends, so that a mark or the playhead there is whole

export class Timeline {
  onSeek: (time: number) => void = () => {};
  /** Ends of the part that is looped, s; the second is NaN while only the first is set. */
  range: [number, number] | null = null;
  private readonly canvas = document.createElement("canvas");
  private shown = { time: -1, width: 0, height: 0 };
  private backdrop: HTMLCanvasElement | null = null;
  private hover: number | null = null;

  constructor(readonly element: HTMLElement, private readonly data: TimelineData) {
    element.append(this.canvas);
    element.tabIndex = 0;
    element.setAttribute("role", "slider");
    element.setAttribute("aria-label", "Time");
    element.setAttribute("aria-valuemin", "0");
    element.setAttribute("aria-valuemax", data.duration.toFixed(1));
    const at = (event: PointerEvent) => {
      const box = this.canvas.getBoundingClientRect();
      return Math.min(Math.max((event.clientX - box.left - PAD) / (box.width - 2 * PAD), 0), 1) * data.duration;
    };
    element.addEventListener("pointerdown", (event) => {
      element.setPointerCapture(event.pointerId);
      this.onSeek(at(event));
    });
    element.addEventListener("pointermove", (event) => {
      if (element.hasPointerCapture(event.pointerId)) this.onSeek(at(event));
      this.hover = event.pointerType === "mouse" ? at(event) : null;
      this.shown.time = -1;
    });
    element.addEventListener("pointerleave", () => {
      this.hover = null;
      this.shown.time = -1;
    });
  }

  /** Paint again although the time is the same. */
  refresh(): void {
    this.shown.time = -1;
  }

  draw(time: number): void {
    const ratio = Math.min(window.devicePixelRatio, 3);
    const width = Math.round(this.element.clientWidth * ratio), height = Math.round(this.element.clientHeight * ratio);
    if (!width || !height) return;
    if (width !== this.shown.width || height !== this.shown.height) {
      this.canvas.width = width;
      this.canvas.height = height;
      this.backdrop = this.paint(width, height, ratio);
    } else if (time === this.shown.time) return;
    this.shown = { time, width, height };
    const c = this.canvas.getContext("2d")!;
    const place = (t: number) => PAD * ratio + (t / this.data.duration) * (width - 2 * PAD * ratio);
    const x = place(time);
    c.clearRect(0, 0, width, height);
    c.globalAlpha = 0.5;
    c.drawImage(this.backdrop!, 0, 0);
    c.globalAlpha = 1;
    if (x >= 1) c.drawImage(this.backdrop!, 0, 0, x, height, 0, 0, x, height);
    if (this.range) {
      const from = place(this.range[0]), to = Number.isNaN(this.range[1]) ? from : place(this.range[1]);
      c.fillStyle = "rgba(22,122,119,0.18)";
      c.fillRect(from, 0, to - from, height);
      c.fillStyle = "#167a77";
      for (const edge of [from, to]) c.fillRect(edge - ratio, 0, 2 * ratio, height);
    }
    if (this.hover !== null) {
      c.fillStyle = "rgba(38,44,50,0.25)";
      c.fillRect(place(this.hover) - 0.5 * ratio, 0, ratio, height);
    }
    c.fillStyle = "#c4472b";
    c.fillRect(x - ratio, 0, 2 * ratio, height);
    c.beginPath();
    c.arc(x, 5 * ratio, 5 * ratio, 0, 2 * Math.PI);
    c.fill();
    this.element.setAttribute("aria-valuenow", time.toFixed(2));
    this.element.setAttribute("aria-valuetext", `${clockText(time)} of ${clockText(this.data.duration)}`);
  }

  private paint(width: number, height: number, ratio: number): HTMLCanvasElement {
    const { duration, beats, downbeats, energy } = this.data;
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    const c = canvas.getContext("2d")!;
    const base = height - 9 * ratio, top = 12 * ratio;
    const left = PAD * ratio, inner = width - 2 * left;
    const place = (t: number) => left + (t / duration) * inner;
    const gradient = c.createLinearGradient(0, top, 0, base);
    gradient.addColorStop(0, "#3f9d99");
    gradient.addColorStop(1, "#9ccac6");
    c.fillStyle = gradient;
    if (energy) {
      const step = 3 * ratio;
      for (let x = 0; x < inner; x += step) {
        const from = Math.floor((x / inner) * duration * energy.rate);
        const to = Math.max(from + 1, Math.floor(((x + step) / inner) * duration * energy.rate));
        let most = 0;
        for (let i = from; i < to && i < energy.values.length; i++) most = Math.max(most, energy.values[i]);
        const tall = Math.max(ratio, (most / 255) * (base - top));
        c.fillRect(left + x, base - tall, step - ratio, tall);
      }
    } else {
      c.fillRect(left, base - 2 * ratio, inner, 2 * ratio);
    }
    // Weak beats vanish before they would run into one another.
    const room = (inner / duration) * (beats.length > 1 ? (beats[beats.length - 1] - beats[0]) / (beats.length - 1) : 1);
    beats.forEach((beat, i) => {
      if (beat > duration || (!downbeats[i] && room < 4 * ratio)) return;
      c.fillStyle = downbeats[i] ? "#262c32" : "#8d9499";
      const tall = (downbeats[i] ? 8 : 4) * ratio;
      c.fillRect(Math.round(place(beat) - 0.5 * ratio), base + ratio, ratio, tall);
    });
    this.paintMarks(c, place, ratio);
    return canvas;
  }

  /** A diamond for a lone frame, a bar for frames in a row; diamonds shrink before they would touch. */
  private paintMarks(c: CanvasRenderingContext2D, place: (t: number) => number, ratio: number): void {
    const runs: [number, number][] = [];
    for (const mark of this.data.marks) {
      const last = runs[runs.length - 1];
      if (last && mark - last[1] < 1.5 * this.data.frame) last[1] = mark;
      else runs.push([mark, mark]);
    }
    let room = Infinity;
    for (let i = 1; i < runs.length; i++) room = Math.min(room, place(runs[i][0]) - place(runs[i - 1][1]));
    const r = Math.min(4.5 * ratio, Math.max(0.42 * room, ratio)), y = 6 * ratio;
    c.fillStyle = "#e0a528";
    for (const [first, last] of runs) {
      const left = place(first), right = place(last);
      c.beginPath();
      c.moveTo(left, y - r);
      c.lineTo(right, y - r);
      c.lineTo(right + r, y);
      c.lineTo(right, y + r);
      c.lineTo(left, y + r);
      c.lineTo(left - r, y);
      c.fill();
    }
  }
}

export function clockText(seconds: number): string {
  const tenths = Math.floor(seconds * 10 + 1e-6);
  const rest = tenths % 600;
  return `${Math.floor(tenths / 600)}:${String(Math.floor(rest / 10)).padStart(2, "0")}.${rest % 10}`;
}
