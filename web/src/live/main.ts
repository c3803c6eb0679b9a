/** The page of a live dance: frames come over a WebSocket, commands go back. */
import * as THREE from "three";
import css from "../style.css";
import liveCss from "./live.css";
import type { Take } from "../data";
import { Figure } from "../figure";
import { Stage } from "../stage";
import { icon, make } from "../ui";
import { Avatar } from "./avatar";

interface Hello extends Pick<Take, "joints" | "parents" | "offsets" | "tips" | "parts" | "feet"> {
  version: number;
  fps: number;
  colours: string[];
  styles: string[];
  /** VRM's names of the bones in `Frame.vrm`. */
  bones: string[];
  character: boolean;
}

export interface Frame {
  t: number;
  /** Local quaternions x y z w of the plain figure. */
  q: number[];
  root: number[];
  /** The same for the normalised bones of a VRM character. */
  vrm: number[];
  hips: number[];
  /** Count, beats per minute, place in the bar, beats per bar. */
  beat: [number, number, number, number];
  sure: number;
  loudness: number;
  standing: boolean;
  /** Style, energy, seed, dancing. */
  controls: [string, number, number, boolean];
}

interface LiveApi {
  ready: boolean;
  frames: number;
  last: Frame | null;
  connected: boolean;
  /** World positions of the figure's joints, [J * 3] m. */
  jointPositions(): number[];
  /** World positions of the character's bones by VRM's names, m. */
  bonePositions(): Record<string, number[]> | null;
  errors: string[];
}

declare global {
  interface Window {
    farandoleLive: LiveApi;
  }
}

const VERSION = 1;
const RETRY = 1500; // ms

const api: LiveApi = {
  ready: false, frames: 0, last: null, connected: false, jointPositions: () => [], bonePositions: () => null, errors: [],
};
window.farandoleLive = api;
window.addEventListener("error", (event) => api.errors.push(String(event.message)));
window.addEventListener("unhandledrejection", (event) => api.errors.push(String(event.reason)));

class LivePage {
  private readonly take: Take;
  private readonly figure: Figure;
  private readonly stage: Stage;
  private avatar: Avatar | null = null;
  private arrived = 0;
  private before: Frame | null = null;
  private lastNow = 0;

  constructor(hello: Hello, private readonly panel: Panel) {
    const joints = hello.joints.length;
    this.take = {
      ...hello, name: "live", frames: 2, facing: 0, translations: null, seconds: 2 / hello.fps,
      quaternions: new Float32Array(2 * joints * 4).map((_, i) => (i % 4 === 3 ? 1 : 0)),
      humanoid: null,
      character: null,
      rootPositions: new Float32Array([0, 0.92, 0, 0, 0.92, 0]),
    };
    const canvas = make("canvas", { label: "Dancer in 3D. Drag to look around." });
    canvas.id = "stage";
    canvas.setAttribute("role", "img");
    document.body.prepend(canvas);
    this.stage = new Stage(canvas, 0);
    this.figure = new Figure(this.take, hello.colours.map((c) => new THREE.Color(c)));
    this.stage.scene.add(this.figure.group);
    this.figure.pose(0);
    this.fit();
    this.stage.frame([this.figure], 0.3, 0.12);
    this.stage.track([this.figure], Infinity);
    if (hello.character)
      Avatar.load(`character.vrm${location.search}`, hello.bones).then(
        (avatar) => {
          this.avatar = avatar;
          this.figure.group.visible = false;
          this.stage.scene.add(avatar.object);
          api.bonePositions = () => avatar.positions();
        },
        (error: unknown) => api.errors.push(`the character cannot be shown: ${String(error)}`),
      );
    api.jointPositions = () => Array.from(this.figure.positions);
    window.addEventListener("resize", () => this.fit());
    requestAnimationFrame((now) => this.draw(now));
  }

  show(frame: Frame): void {
    const { quaternions, rootPositions, joints } = this.take;
    const size = joints.length * 4;
    if (frame.q.length !== size || frame.root.length !== 3) return;
    this.before = api.last;
    quaternions.copyWithin(0, size);
    quaternions.set(frame.q, size);
    rootPositions.copyWithin(0, 3);
    rootPositions.set(frame.root, 3);
    this.arrived = performance.now();
    api.last = frame;
    api.frames++;
  }

  private fit(): void {
    this.stage.resize(64, this.panel.element.getBoundingClientRect().height + 24);
  }

  private draw(now: number): void {
    const elapsed = Math.min((now - this.lastNow) / 1000, 0.1);
    this.lastNow = now;
    const share = Math.min(Math.max((performance.now() - this.arrived) / 1000, 0) * this.take.fps, 1);
    this.figure.pose(share / this.take.fps);
    if (this.avatar && api.last) this.avatar.pose(this.before ?? api.last, api.last, share, elapsed);
    this.stage.track([this.figure], elapsed);
    this.fit();
    this.stage.render();
    if (api.last) this.panel.show(api.last);
    requestAnimationFrame((next) => this.draw(next));
  }
}

class Panel {
  readonly element: HTMLElement;
  private readonly go = make("button", { class: "play", label: "Stop", title: "Start or stop dancing (space)" }, icon("pause"));
  private readonly tempo = make("strong", { text: "–" });
  private readonly state = make("span", { class: "state", text: "connecting" });
  private readonly dots = make("span", { class: "dots", label: "Beats of the bar" });
  private readonly style = make("select", { class: "speed", label: "Style", title: "Style" });
  private readonly energy = make("input", { class: "energy", label: "Energy", title: "Energy" });
  private readonly again = make("button", { class: "another", text: "Another dance", title: "Dance differently (N)" });
  private dancing = true;
  private seed = 0;
  private touched = 0;

  constructor(private readonly send: (change: object) => void) {
    Object.assign(this.energy, { type: "range", min: "0.25", max: "2", step: "0.05", value: "1" });
    this.go.addEventListener("click", () => this.toggle());
    this.style.addEventListener("change", () => this.change({ style: this.style.value }));
    this.energy.addEventListener("input", () => this.change({ energy: Number(this.energy.value) }));
    this.again.addEventListener("click", () => this.another());
    const beat = make("div", { class: "meter" }, make("span", { class: "bpm" }, this.tempo, " bpm"), this.dots, this.state);
    const label = (text: string, control: HTMLElement) => make("label", { class: "control" }, text, control);
    this.element = make("section", { class: "panel live", label: "Live dance" },
      make("div", { class: "row" }, this.go, beat, make("span", { class: "gap" }), label("Style", this.style),
        label("Energy", this.energy), this.again));
    document.addEventListener("keydown", (event) => {
      if (event.target instanceof HTMLSelectElement || event.target instanceof HTMLInputElement) return;
      if (event.key === " " && !(event.target instanceof HTMLButtonElement)) this.toggle();
      else if (event.key === "n" || event.key === "N") this.another();
      else return;
      event.preventDefault();
    });
  }

  styles(names: string[]): void {
    this.style.replaceChildren(...names.map((name) => new Option(name, name)));
  }

  say(text: string): void {
    this.state.textContent = text;
  }

  show(frame: Frame): void {
    const [, tempo, bar, beats] = frame.beat;
    const heard = frame.sure >= 0.3;
    this.tempo.textContent = heard ? String(Math.round(tempo)) : "–";
    if (this.dots.childElementCount !== beats)
      this.dots.replaceChildren(...Array.from({ length: beats }, () => make("i")));
    Array.from(this.dots.children).forEach((dot, i) => {
      const on = heard && Math.floor(bar) === i;
      (dot as HTMLElement).style.opacity = on ? String(1 - 0.7 * (bar - Math.floor(bar))) : "0.15";
    });
    const [style, energy, seed, dancing] = frame.controls;
    this.say(!dancing ? "stopped" : frame.standing ? "waiting for music" : heard ? "dancing" : "listening");
    this.seed = seed;
    if (performance.now() - this.touched < 700) return; // what was just set is on its way
    this.style.value = style;
    this.energy.value = String(energy);
    if (dancing !== this.dancing) this.mark(dancing);
  }

  private change(change: object): void {
    this.touched = performance.now();
    this.send(change);
  }

  private another(): void {
    this.change({ seed: this.seed + 1 });
  }

  private toggle(): void {
    this.mark(!this.dancing);
    this.change({ dancing: this.dancing });
  }

  private mark(dancing: boolean): void {
    this.dancing = dancing;
    this.go.replaceChildren(icon(dancing ? "pause" : "play"));
    this.go.setAttribute("aria-label", dancing ? "Stop" : "Start");
  }
}

function connect(): void {
  const address = new URL(`ws${location.search}`, location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(address);
  send = (change) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(change));
  socket.addEventListener("message", (event) => {
    const message = JSON.parse(String(event.data)) as Hello | Frame;
    if ("joints" in message) {
      if (message.version !== VERSION) {
        panel.say(`the server speaks version ${message.version}, this page ${VERSION}: reload it`);
        return;
      }
      panel.styles(message.styles);
      page ??= new LivePage(message, panel);
      api.ready = api.connected = true;
    } else page?.show(message);
  });
  socket.addEventListener("close", () => {
    api.connected = false;
    panel.say("not connected");
    setTimeout(connect, RETRY);
  });
}

document.head.append(make("style", { text: css + liveCss }));
let page: LivePage | null = null;
let send: (change: object) => void = () => undefined;
const panel = new Panel((change) => send(change));
document.body.append(panel.element);
connect();
