/** The page that plays dances with their song. */
import * as THREE from "three";
import css from "./style.css";
import { bvhText } from "./bvh";
import { Character } from "./character";
import { Clock } from "./clock";
import { decodeTake, fromBase64, readPayload, type Payload, type Take } from "./data";
import { characterGlb, takeGlb, takeVrma } from "./exports";
import { Figure } from "./figure";
import { mappingPanel } from "./mapping";
import { helpDialog, menu } from "./menu";
import { Stage, type View } from "./stage";
import { Timeline, clockText } from "./timeline";
import { download, fileName, icon, make, toggle } from "./ui";

const SPEEDS = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2];
const SPACING = 1.7; // m between takes
const JUMP = 10; // s, of Page Up and Page Down

interface Api {
  ready: boolean;
  time: number;
  readonly duration: number;
  readonly playing: boolean;
  play(): Promise<void>;
  pause(): void;
  seek(time: number): void;
  /** World joint positions of one take now, [J * 3] m. */
  jointPositions(take?: number): number[];
  /** BVH text of one take, as the download gives it. */
  bvh(take?: number): string;
  /** .glb and .vrma of one take, as the downloads give them, in base64. */
  glb(take?: number): string;
  vrma(take?: number): string;
  /** Show the takes on the character in a .glb or .vrm file. */
  putOn(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** World positions of the parts of the character that a take is shown on, m; null on the mannequin. */
  characterPlaces(take?: number): Record<string, number[]> | null;
  readonly audio: HTMLAudioElement | null;
  errors: string[];
}

declare global {
  interface Window {
    farandole: Api;
  }
}

const errors: string[] = [];
window.addEventListener("error", (event) => errors.push(String(event.message)));
window.addEventListener("unhandledrejection", (event) => errors.push(String(event.reason)));

function songElement(payload: Payload): HTMLAudioElement | null {
  if (!payload.song) return null;
  const audio = new Audio();
  audio.preload = "auto";
  audio.preservesPitch = true;
  audio.src = URL.createObjectURL(new Blob([fromBase64(payload.song.data)], { type: payload.song.type }));
  payload.song.data = "";
  return audio;
}

function remembered(key: string, fallback: number): number {
  try {
    const value = Number(localStorage.getItem(key) ?? fallback);
    return Number.isFinite(value) ? value : fallback;
  } catch {
    return fallback; // pages opened from disk may have no storage
  }
}

function remember(key: string, value: number): void {
  try {
    localStorage.setItem(key, String(value));
  } catch {
    /* see above */
  }
}

class Player implements Api {
  ready = false;
  /** Whether the characters that the page carries are shown. */
  dressed = false;
  readonly errors = errors;
  readonly duration: number;
  readonly audio: HTMLAudioElement | null;
  private readonly clock: Clock;
  private readonly stage: Stage;
  private readonly timeline: Timeline;
  private readonly figures: Figure[];
  private readonly ghosts: (Figure | null)[];
  private readonly labels: HTMLElement[];
  private readonly shown: boolean[];
  private readonly playButton = make("button", { class: "play", label: "Play", title: "Play or pause (space)" }, icon("play"));
  private readonly timeText = make("span", { class: "time" });
  private readonly frameText = make("span", { class: "frame", title: "Frame; the diamond is full on a marked one (N and P go to the next and previous)" });
  private readonly marked: number[];
  private ghostsOn = true;
  private readonly beatDot = make("span", { class: "beat" });
  private readonly notice = make("div", { class: "notice" });
  private readonly names: (Record<string, string> | null)[];
  private readonly palette: THREE.Color[];
  private readonly help = helpDialog();
  private mapping: HTMLElement | null = null;
  private skeleton: HTMLButtonElement | null = null;
  private readonly rangeButton = make("button", { class: "icon", text: "A–B", label: "Loop a part",
    title: "Loop a part: press where it begins, where it ends, and once more to stop (A, B, X)" });
  private head: HTMLElement | null = null;
  private panel: HTMLElement | null = null;
  /** The reader wants little to move beside the dancer. */
  private still = false;
  private lastNow = 0;
  private drawn = -1;
  private tenth = "";

  constructor(private readonly payload: Payload, private readonly takes: Take[], ghosts: (Take | null)[]) {
    this.duration = Math.max(...takes.map((t) => t.seconds));
    this.audio = songElement(payload);
    this.clock = new Clock(this.audio, this.duration);
    this.clock.offset = remembered("farandole.offset", 0);
    const canvas = make("canvas", { label: `Dancer${takes.length > 1 ? "s" : ""} in 3D. Drag to look around.` });
    canvas.id = "stage";
    canvas.setAttribute("role", "img");
    document.body.append(canvas);
    this.stage = new Stage(canvas, takes[0].facing);
    const palette = (this.palette = payload.colours.map((c) => new THREE.Color(c)));
    this.names = takes.map(() => null);
    this.figures = takes.map((take) => new Figure(take, palette));
    this.ghosts = takes.map((_, i) => (ghosts[i] ? new Figure(ghosts[i], palette, true) : null));
    this.shown = takes.map(() => true);
    this.labels = takes.map((take) => make("div", { class: "label", text: take.name }));
    for (const figure of [...this.figures, ...this.ghosts]) if (figure) this.stage.scene.add(figure.group);
    const song = payload.song;
    this.timeline = new Timeline(make("div", { class: "timeline" }), {
      duration: this.duration,
      beats: song?.beats ?? [],
      downbeats: song?.beats.map((_, i) => song.downbeats.includes(i)) ?? [],
      energy: payload.energy ? { rate: payload.energy.rate, values: fromBase64(payload.energy.data) } : null,
      marks: payload.marks,
      frame: 1 / takes[0].fps,
    });
    this.marked = payload.marks.map((mark) => Math.round(mark * takes[0].fps));
    this.build();
    this.arrange();
    this.fit();
    this.pose(0);
    this.stage.frame(this.visible, 0.32, 0.14);
    this.stage.track(this.visible, Infinity);
    const start = Number(new URLSearchParams(location.search).get("t") ?? 0);
    this.seek(Number.isFinite(start) ? start : 0);
    requestAnimationFrame((now) => this.frame(now));
  }

  get time(): number {
    return this.clock.time;
  }

  get playing(): boolean {
    return this.clock.playing;
  }

  play(): Promise<void> {
    return this.clock.play();
  }

  pause(): void {
    this.clock.pause();
  }

  seek(time: number): void {
    this.clock.seek(time);
    this.pose(this.clock.time);
    this.stage.track(this.visible, Infinity);
    this.stage.dirty = true;
  }

  jointPositions(take = 0): number[] {
    const figure = this.figures[take];
    const origin = figure.group.position;
    return Array.from(figure.positions, (v, i) => v + [origin.x, origin.y, origin.z][i % 3]);
  }

  glb(take = 0): string {
    return toBase64(this.glbOf(take));
  }

  vrma(take = 0): string {
    return toBase64(this.exported(() => takeVrma(this.figures[take])));
  }

  characterPlaces(take = 0): Record<string, number[]> | null {
    return this.figures[take].character?.places() ?? null;
  }

  async putOn(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const worn = await Promise.all(this.figures.map((figure) =>
      figure.take.humanoid ? Character.load(name, bytes, { animation: null }) : Promise.resolve(null)));
    if (!worn.some(Boolean)) throw new Error("this motion is no human's");
    worn.forEach((character, i) => character && this.dress(i, character));
  }

  /** Show the characters that the page carries. */
  async dressAll(): Promise<void> {
    const files = this.payload.characters.map((raw) => fromBase64(raw.data));
    await Promise.all(this.takes.map(async (take, i) => {
      if (!take.character) return;
      const raw = this.payload.characters[take.character.file];
      const options = { animation: take.character.animation, roles: raw.roles };
      try {
        this.dress(i, await Character.load(raw.name, files[take.character.file], options));
        this.names[i] = Object.fromEntries(Object.entries(raw.roles).map(([role, [, name]]) => [role, name]));
      } catch (error) {
        this.say(`${raw.name} cannot be shown: ${error instanceof Error ? error.message : String(error)}`);
      }
    }));
    for (const raw of this.payload.characters) raw.data = "";
    if (this.duration < 0.2 && this.figures[0].character) this.showMapping(true); // a rig at rest: there is nothing to play
  }

  private dress(take: number, character: Character | null): void {
    const figure = this.figures[take];
    this.showMapping(false);
    figure.wear(character);
    const nodes = (character?.gltf.parser.json.nodes ?? []) as { name?: string }[];
    this.names[take] = character && Object.fromEntries([...character.roles].map(([role, object]) =>
      [role, nodes[character.nodeNumber.get(object) ?? -1]?.name ?? object.name]));
    this.pose(this.clock.time);
    this.stage.frame(this.visible, 0.32, 0.14);
    this.stage.track(this.visible, Infinity);
    this.stage.dirty = true;
  }

  private glbOf(take: number): Uint8Array<ArrayBuffer> {
    const figure = this.figures[take];
    return this.exported(() => (figure.character ? characterGlb(figure) : takeGlb(this.takes[take], this.palette)));
  }

  /** Exports pose the figure at every frame; afterwards it is where it was. */
  private exported(make: () => Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const bytes = make();
    this.pose(this.clock.time);
    return bytes;
  }

  private showMapping(on: boolean): void {
    const take = this.figures.findIndex((figure, i) => this.shown[i] && figure.character);
    this.mapping?.remove();
    for (const figure of this.figures) figure.character?.mark(null);
    if (!on || take < 0) {
      this.mapping = null;
      this.stage.dirty = true;
      return;
    }
    if (this.skeleton?.getAttribute("aria-pressed") === "false") this.skeleton.click();
    this.mapping = mappingPanel(this.figures[take].character!, this.names[take] ?? {}, () => this.showMapping(false));
    const redraw = () => (this.stage.dirty = true);
    for (const kind of ["pointerover", "focusin", "click"]) this.mapping.addEventListener(kind, redraw);
    document.body.append(this.mapping);
    this.stage.dirty = true;
  }

  private async choose(file: File): Promise<void> {
    if (!/\.(glb|vrm)$/i.test(file.name)) return this.say(`${file.name}: a character is a .glb or .vrm file`);
    this.say(`Reading ${file.name}`);
    try {
      await this.putOn(file.name.replace(/\.[^.]+$/, ""), new Uint8Array(await file.arrayBuffer()));
      this.say(`The dance on ${file.name}`);
    } catch (error) {
      this.say(`${file.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private dropping(): void {
    const over = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      document.body.classList.toggle("dropping", event.type === "dragover");
      const file = event.type === "drop" ? event.dataTransfer.files[0] : null;
      if (file) void this.choose(file);
    };
    for (const kind of ["dragover", "dragleave", "drop"] as const) window.addEventListener(kind, over);
  }

  /** Set where the looped part begins (0) or ends (1); null loops nothing. */
  private loopPart(end: 0 | 1 | null): void {
    const { clock, timeline } = this;
    const now = Math.round(clock.time * 1000) / 1000;
    if (end === null) timeline.range = clock.range = null;
    else if (end === 0) {
      timeline.range = [now, NaN];
      clock.range = null;
    } else {
      const from = timeline.range?.[0] ?? 0;
      const range: [number, number] = [Math.min(from, now), Math.max(from, now)];
      if (range[1] - range[0] < 0.1) return this.say("Too short to loop: go on, and press again where it ends.");
      timeline.range = clock.range = range;
    }
    timeline.refresh();
    this.rangeButton.setAttribute("aria-pressed", String(timeline.range !== null));
    const { range } = timeline;
    this.say(!range ? "No part is looped" : Number.isNaN(range[1]) ? `Loop from ${clockText(range[0])}: press again where it ends`
      : `Loop ${clockText(range[0])} to ${clockText(range[1])}`);
  }

  bvh(take = 0): string {
    return bvhText(this.takes[take]);
  }

  private get visible(): Figure[] {
    const some = this.figures.filter((_, i) => this.shown[i]);
    return some.length ? some : this.figures;
  }

  private pose(time: number): void {
    for (const figure of [...this.figures, ...this.ghosts]) figure?.pose(time);
  }

  /** Stand the takes that are on next to one another, in their order. */
  private arrange(): void {
    const on = this.figures.filter((_, i) => this.shown[i]).length;
    const front = this.takes[0].facing;
    let place = 0;
    this.figures.forEach((figure, i) => {
      const shown = this.shown[i];
      const aside = shown ? (place++ - (on - 1) / 2) * SPACING : 0;
      for (const body of [figure, this.ghosts[i]]) {
        if (!body) continue;
        body.group.position.set(aside * Math.cos(front), 0, -aside * Math.sin(front));
        body.group.visible = shown && (body === figure || this.ghostsOn);
      }
      this.labels[i].hidden = !shown || this.figures.length < 2;
    });
    this.stage.dirty = true;
  }

  private build(): void {
    const { payload, takes, clock, stage } = this;
    const song = payload.song;
    document.title = payload.title;
    const facts = [song?.name, song && song.tempo > 0 ? `${Math.round(song.tempo)} bpm` : null, clockText(this.duration).replace(/\.\d$/, "")];
    const title = make("div", { class: "title" }, make("h1", { text: payload.title }),
      make("p", { text: facts.filter((f) => f && f !== payload.title).join("  ·  ") }));

    const views: [View, string, string][] = [
      ["follow", "Follow", "The camera goes with the dancer (1)"],
      ["front", "Front", "From the front (2)"],
      ["orbit", "Free", "The camera stays where you put it (3)"],
    ];
    const viewButtons = views.map(([view, text, tip]) => {
      const button = make("button", { text, title: tip });
      button.addEventListener("click", () => setView(view));
      return button;
    });
    const setView = (view: View) => {
      stage.setView(view, this.visible);
      viewButtons.forEach((button, i) => button.setAttribute("aria-pressed", String(views[i][0] === view)));
    };
    const cameras = make("div", { class: "group", label: "Camera" }, ...viewButtons);
    cameras.setAttribute("role", "group");
    setView("follow");
    const skeleton = toggle(make("button", { text: "Skeleton", title: "Show the joints (S)" }), false, (on) => {
      for (const figure of [...this.figures, ...this.ghosts]) figure?.showSkeleton(on);
      this.pose(clock.time);
      stage.dirty = true;
    });
    this.skeleton = skeleton;
    const save = (suffix: string, content: (i: number) => string | Uint8Array<ArrayBuffer>) => () =>
      takes.forEach((take, i) => this.shown[i] && download(`${fileName(take.name)}.${suffix}`, content(i)));
    const picker = make("input", { label: "Your own character" });
    Object.assign(picker, { type: "file", accept: ".glb,.vrm", hidden: true });
    picker.addEventListener("change", () => {
      if (picker.files?.[0]) void this.choose(picker.files[0]);
      picker.value = "";
    });
    const human = takes.some((take) => take.humanoid);
    const worn = () => this.figures.some((figure) => figure.character);
    const own = () => (this.figures.find((figure) => figure.character)?.character?.vrm ? "vrm" : "glb");
    const full = make("button", { class: "square", label: "Full screen", title: "Full screen (F)" }, icon("full"));
    full.addEventListener("click", () => this.fullScreen());
    full.hidden = !document.documentElement.requestFullscreen;
    const more = menu(make("button", { class: "square", label: "More", title: "Save, your own character, keys" }, icon("more")), [
      { text: "Your own character…", title: "Show the dance on a .glb or .vrm; or drop the file onto the page", action: () => picker.click(), shown: () => human },
      { text: "Mannequin", title: "Show the dance on the mannequin", action: () => takes.forEach((_, i) => this.dress(i, null)), shown: worn },
      { text: "Parts of the body (M)", title: "Which joint of the character plays which part", action: () => this.showMapping(true), shown: worn },
      { text: "Save BVH", title: "Download the motion as BVH", action: save("bvh", (i) => bvhText(takes[i])) },
      { text: "Save GLB", title: "Download what is shown as .glb", action: save("glb", (i) => this.glbOf(i)), shown: () => !worn() || own() === "glb" },
      { text: "Save VRM", title: "Download the dancing character as .vrm", action: save("vrm", (i) => this.glbOf(i)), shown: () => worn() && own() === "vrm" },
      { text: "Save VRMA", title: "Download the motion for any VRM character", action: save("vrma", (i) => this.exported(() => takeVrma(this.figures[i]))), shown: () => human },
      { text: "Keys (?)", title: "What the keyboard does", action: () => this.help.showModal() },
    ]);
    const tools = make("div", { class: "tools" }, cameras, make("div", { class: "group" }, skeleton),
      make("div", { class: "group plain" }, full, more), picker);
    const head = make("header", { class: "head" }, title, tools);
    if (takes.length > 1 || this.ghosts.some(Boolean)) head.append(this.chips());

    const first = make("button", { class: "icon first", label: "To the start", title: "To the start (Home)" }, icon("start"));
    first.addEventListener("click", () => this.seek(0));
    const loop = toggle(make("button", { class: "icon", label: "Loop", title: "Loop (L)" }, icon("loop")), false, (on) => (clock.loop = on));
    const speed = make("select", { class: "speed", label: "Playback speed", title: "Playback speed" });
    for (const s of SPEEDS) speed.append(new Option(`${s}×`, String(s), s === 1, s === 1));
    speed.addEventListener("change", () => (clock.rate = Number(speed.value)));
    this.timeText.setAttribute("aria-hidden", "true"); // the slider says it
    const row = make("div", { class: "row" }, this.playButton, first, this.timeText);
    if (this.marked.length) row.append(this.frameText);
    if (song?.beats.length) row.append(this.beatDot);
    row.append(make("span", { class: "gap" }));
    if (this.audio) row.append(this.volume());
    this.rangeButton.setAttribute("aria-pressed", "false");
    this.rangeButton.addEventListener("click", () => {
      const { range } = this.timeline;
      this.loopPart(!range ? 0 : Number.isNaN(range[1]) ? 1 : null);
    });
    row.append(this.rangeButton, loop, speed);
    const panel = make("section", { class: "panel", label: "Playback" }, this.timeline.element, row);
    this.head = head;
    this.panel = panel;
    this.playButton.classList.add("waiting");
    this.notice.hidden = true;
    this.notice.setAttribute("role", "status");
    document.body.append(head, ...this.labels, panel, this.notice, this.help);
    this.dropping();
    if (window.matchMedia("(prefers-reduced-motion: reduce)").matches) this.still = true;
    stage.controls.enableDamping = !this.still;

    this.timeline.onSeek = (time) => this.seek(time);
    this.playButton.addEventListener("click", () => clock.toggle());
    // A click on the stage plays and pauses; a drag looks around.
    const canvas = stage.renderer.domElement;
    let pressed = { x: 0, y: 0, at: 0 };
    canvas.addEventListener("pointerdown", (event) => (pressed = { x: event.clientX, y: event.clientY, at: event.timeStamp }));
    canvas.addEventListener("click", (event) => {
      const still = Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) < 5;
      if (still && event.timeStamp - pressed.at < 400) clock.toggle();
    });
    clock.onChange = () => {
      this.playButton.replaceChildren(icon(clock.playing ? "pause" : "play"));
      this.playButton.setAttribute("aria-label", clock.playing ? "Pause" : "Play");
      if (clock.playing) this.playButton.classList.remove("waiting");
    };
    this.audio?.addEventListener("error", () => this.say("This browser cannot play the song; the dance plays without sound."));
    this.keyboard({ skeleton, loop, speed, setView });
  }

  private chips(): HTMLElement {
    const chips = make("div", { class: "chips", label: "Takes" });
    chips.setAttribute("role", "group");
    this.takes.forEach((take, i) => {
      if (this.takes.length > 1)
        chips.append(
          toggle(make("button", { class: "chip", text: take.name }), true, (on) => {
            this.shown[i] = on;
            this.arrange();
            this.pose(this.clock.time);
            this.stage.frame(this.visible, 0.32, 0.14);
          }),
        );
    });
    if (this.ghosts.some(Boolean))
      chips.append(
        toggle(make("button", { class: "chip ghost", text: "Original", title: "Show the original through it (G)" }), true, (on) => {
          this.ghostsOn = on;
          this.arrange();
        }),
      );
    return chips;
  }

  private volume(): HTMLInputElement {
    const slider = make("input", { class: "volume", label: "Volume", title: "Volume" });
    Object.assign(slider, { type: "range", min: "0", max: "1", step: "0.01" });
    slider.value = String(Math.min(Math.max(remembered("farandole.volume", 1), 0), 1));
    const set = () => {
      this.audio!.volume = Number(slider.value);
      remember("farandole.volume", Number(slider.value));
    };
    slider.addEventListener("input", set);
    set();
    return slider;
  }

  private keyboard(parts: {
    skeleton: HTMLButtonElement; loop: HTMLButtonElement; speed: HTMLSelectElement; setView: (view: View) => void;
  }): void {
    const { clock } = this;
    const step = 1 / this.takes[0].fps;
    const shift = (by: number) => {
      clock.offset = Math.round((clock.offset + by) * 1000) / 1000;
      remember("farandole.offset", clock.offset);
      this.say(`Picture ${clock.offset >= 0 ? "ahead of" : "behind"} the sound by ${Math.abs(Math.round(clock.offset * 1000))} ms`);
    };
    const faster = (by: number) => {
      const i = SPEEDS.indexOf(Number(parts.speed.value)) + by;
      if (!SPEEDS[i]) return;
      parts.speed.value = String(SPEEDS[i]);
      clock.rate = SPEEDS[i];
    };
    const keys: Record<string, () => void> = {
      " ": () => clock.toggle(),
      k: () => clock.toggle(),
      ArrowLeft: () => this.seek(clock.time - 2),
      ArrowRight: () => this.seek(clock.time + 2),
      ",": () => (clock.pause(), this.seek(clock.time - step)),
      ".": () => (clock.pause(), this.seek(clock.time + step)),
      PageUp: () => this.seek(clock.time + JUMP),
      PageDown: () => this.seek(clock.time - JUMP),
      a: () => this.loopPart(0),
      b: () => this.loopPart(1),
      x: () => this.loopPart(null),
      m: () => this.showMapping(this.mapping === null),
      f: () => this.fullScreen(),
      "?": () => (this.help.open ? this.help.close() : this.help.showModal()),
      Home: () => this.seek(0),
      End: () => this.seek(this.duration),
      n: () => this.toMark(1),
      p: () => this.toMark(-1),
      g: () => document.querySelector<HTMLButtonElement>(".chip.ghost")?.click(),
      s: () => parts.skeleton.click(),
      l: () => parts.loop.click(),
      "1": () => parts.setView("follow"),
      "2": () => parts.setView("front"),
      "3": () => parts.setView("orbit"),
      "-": () => faster(-1),
      "+": () => faster(1),
      "=": () => faster(1),
      "[": () => shift(-0.01),
      "]": () => shift(0.01),
    };
    window.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || (this.help.open && event.key !== "?")) return;
      const target = event.target === window ? document.body : event.target;
      // Space presses the focused button, arrows move the focused control: only what has no use for a key gives it up.
      if (!(target instanceof Element)) return;
      if (target.matches("select, input")) return;
      if (event.key === " " && target.matches("button")) return;
      const action = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (!action) return;
      event.preventDefault();
      action();
    });
  }

  private fullScreen(): void {
    const done = document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen?.();
    done?.catch(() => this.say("This browser does not go to full screen here."));
  }

  /** Stop at the next or previous marked frame. */
  private toMark(by: 1 | -1): void {
    const fps = this.takes[0].fps, now = Math.round(this.clock.time * fps);
    const marked = by > 0 ? this.marked : [...this.marked].reverse();
    const next = marked.find((frame) => by * (frame - now) > 0);
    if (next === undefined) return;
    this.clock.pause();
    this.seek(next / fps);
  }

  private say(text: string): void {
    this.notice.textContent = text;
    this.notice.hidden = false;
    window.clearTimeout(this.silence);
    this.silence = window.setTimeout(() => (this.notice.hidden = true), 4000);
  }
  private silence = 0;

  private frame(now: number): void {
    requestAnimationFrame((next) => this.frame(next));
    const elapsed = Math.min((now - this.lastNow) / 1000, 0.25);
    this.lastNow = now;
    const time = this.clock.tick(now);
    this.fit();
    const moved = time !== this.drawn;
    if (moved) {
      const jump = Math.abs(time - this.drawn) > 0.5;
      if (this.clock.playing && this.drawn >= 0 && !jump) this.stage.adapt(elapsed);
      this.pose(time);
      this.stage.track(this.visible, jump ? Infinity : elapsed);
      this.drawn = time;
    }
    this.stage.controls.update(); // damping runs on after the hand has left
    if (moved || this.stage.dirty) {
      this.stage.dirty = false;
      this.stage.render();
      this.placeLabels();
    }
    this.timeline.draw(time);
    this.showTime(time);
    if (!this.ready && this.dressed) this.ready = true;
  }

  private fit(): void {
    const top = this.head?.getBoundingClientRect().bottom ?? 0;
    const bottom = window.innerHeight - (this.panel?.getBoundingClientRect().top ?? window.innerHeight);
    this.stage.resize(Math.round(top), Math.round(bottom));
  }

  private placeLabels(): void {
    const point = new THREE.Vector3();
    this.labels.forEach((label, i) => {
      if (label.hidden) return;
      const at = this.stage.project(this.figures[i].crown(point));
      label.style.visibility = at ? "visible" : "hidden";
      if (at) label.style.transform = `translate(${at.x.toFixed(1)}px, ${at.y.toFixed(1)}px) translate(-50%, -50%)`;
    });
  }

  private showTime(time: number): void {
    const text = clockText(time);
    if (text !== this.tenth) {
      this.tenth = text;
      this.timeText.replaceChildren(text, make("small", { text: ` / ${clockText(this.duration)}` }));
    }
    if (this.marked.length) this.showFrame(time);
    const song = this.payload.song;
    if (!song?.beats.length) return;
    let low = 0, high = song.beats.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (song.beats[middle] <= time) low = middle + 1;
      else high = middle;
    }
    const since = low ? time - song.beats[low - 1] : Infinity;
    const strong = low > 0 && song.downbeats.includes(low - 1);
    const glow = Math.max(0, 1 - since / 0.25);
    this.beatDot.style.opacity = (0.15 + 0.85 * glow).toFixed(2);
    if (!this.still) this.beatDot.style.transform = `scale(${(1 + (strong ? 0.7 : 0.25) * glow).toFixed(2)})`;
  }

  private showFrame(time: number): void {
    const frame = Math.min(Math.round(time * this.takes[0].fps), this.takes[0].frames - 1);
    if (this.frameText.dataset.frame === String(frame)) return;
    this.frameText.dataset.frame = String(frame);
    let low = 0, high = this.marked.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.marked[middle] < frame) low = middle + 1;
      else high = middle;
    }
    this.frameText.classList.toggle("marked", this.marked[low] === frame);
    this.frameText.textContent = `frame ${frame}`;
  }
}

function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(text);
}

async function main(): Promise<void> {
  document.head.append(make("style", { text: css }));
  try {
    const payload = readPayload();
    const takes = await Promise.all(payload.takes.map(decodeTake));
    const ghosts = await Promise.all(payload.ghosts.map((g) => (g ? decodeTake(g) : null)));
    const player = new Player(payload, takes, ghosts);
    window.farandole = player;
    await player.dressAll();
    player.dressed = true;
  } catch (error) {
    errors.push(String(error));
    const webgl = /webgl/i.test(String(error));
    document.body.append(
      make("div", { class: "fatal" }, make("h1", { text: "This dance cannot be shown here" }),
        make("p", { text: webgl ? "The browser has no WebGL (3D graphics). Try another browser, or switch on hardware acceleration." : String(error) })),
    );
    throw error;
  }
}

void main();
