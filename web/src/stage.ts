/** The studio: renderer, lights, floor, and a camera that orbits, follows or looks from the front. */
import * as THREE from "three";
import { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
import type { Figure } from "./figure";

export type View = "follow" | "front" | "orbit";

const HORIZON = new THREE.Color("#ece7df");
/** Where the key light comes from, seen from the dancers' front: over the viewer's left shoulder. */
const KEY = new THREE.Vector3(-0.45, 0.8, 0.55).normalize();
const RIM = new THREE.Vector3(0.5, 0.45, -0.7).normalize();
const UP = new THREE.Vector3(0, 1, 0);

export class Stage {
  readonly renderer: THREE.WebGLRenderer;
  readonly scene = new THREE.Scene();
  readonly camera = new THREE.PerspectiveCamera(26, 1, 0.1, 200);
  readonly controls: OrbitControls;
  /** Set when something other than time has changed the picture. */
  dirty = true;
  private readonly toKey: THREE.Vector3;
  private readonly size = new THREE.Vector2();
  private margins = { top: 0, bottom: 0 };
  /** Height free of controls, CSS pixels. */
  private free = 1;
  /** Device pixels per CSS pixel at most: goes down where pictures come slowly. */
  private finest = 2;
  private slow = 0;
  private view: View = "follow";
  private readonly key = new THREE.DirectionalLight(0xfff3e4, 3.0);
  private readonly floor: THREE.Mesh<THREE.PlaneGeometry, THREE.ShaderMaterial>;
  private readonly shadow: THREE.Mesh;
  private readonly focus = new THREE.Vector3();
  private readonly wanted = new THREE.Vector3();
  private readonly step = new THREE.Vector3();
  private readonly v = new THREE.Vector3();

  /** `front` is where the dancers look, rad from +z towards +x. */
  constructor(private readonly canvas: HTMLCanvasElement, private readonly front: number) {
    const probe = document.createElement("canvas").getContext("webgl2", { failIfMajorPerformanceCaveat: true });
    const software = probe === null; // no graphics card: the processor draws
    probe?.getExtension("WEBGL_lose_context")?.loseContext();
    this.renderer = new THREE.WebGLRenderer({ canvas, antialias: !software, powerPreference: "high-performance" });
    this.renderer.setClearColor(HORIZON);
    this.renderer.toneMapping = THREE.NoToneMapping;
    this.renderer.shadowMap.enabled = true;
    this.renderer.shadowMap.type = THREE.VSMShadowMap;
    const sky = new THREE.HemisphereLight(0xf6f8ff, 0xc9b8a4, 2.1);
    const rim = new THREE.DirectionalLight(0xd6eaff, 1.6);
    rim.position.copy(RIM).applyAxisAngle(UP, front);
    this.toKey = KEY.clone().applyAxisAngle(UP, front);
    this.key.castShadow = true;
    this.key.shadow.mapSize.set(1024, 1024);
    this.key.shadow.radius = 7;
    this.key.shadow.blurSamples = 14;
    this.key.shadow.bias = -0.0004;
    this.key.shadow.normalBias = 0.012;
    this.scene.add(sky, rim, this.key, this.key.target);

    this.floor = new THREE.Mesh(new THREE.PlaneGeometry(1, 1), floorMaterial());
    this.floor.rotation.x = -Math.PI / 2;
    this.floor.scale.setScalar(120);
    this.floor.renderOrder = -2;
    this.shadow = new THREE.Mesh(
      new THREE.PlaneGeometry(1, 1),
      new THREE.ShadowMaterial({ color: 0x2a2118, opacity: 0.3, depthWrite: false }),
    );
    this.shadow.rotation.x = -Math.PI / 2;
    this.shadow.position.y = 0.002;
    this.shadow.receiveShadow = true;
    this.shadow.renderOrder = -1;
    this.scene.add(this.floor, this.shadow);
    if (software) {
      this.finest = 1;
      this.plainShadows();
    }

    this.controls = new OrbitControls(this.camera, canvas);
    this.controls.enableDamping = true;
    this.controls.dampingFactor = 0.12;
    this.controls.maxPolarAngle = Math.PI / 2 - 0.03;
    this.controls.minDistance = 0.8;
    this.controls.maxDistance = 40;
    this.controls.addEventListener("change", () => (this.dirty = true));
    this.camera.position.set(0.35, 0.2, 1).setLength(6);
  }

  /**
   * Fit the picture to the page. The part between `top` and `bottom` CSS pixels from the edges is free of controls: its middle
   * becomes the middle of the view.
   */
  resize(top: number, bottom: number): boolean {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const ratio = Math.min(window.devicePixelRatio, this.finest);
    const size = this.renderer.getSize(this.size);
    const same = size.x === width && size.y === height && this.renderer.getPixelRatio() === ratio;
    if ((same && top === this.margins.top && bottom === this.margins.bottom) || !width || !height) return false;
    this.margins = { top, bottom };
    if (!same) {
      this.renderer.setPixelRatio(ratio);
      this.renderer.setSize(width, height, false);
    }
    this.free = Math.max(height - top - bottom, 0.4 * height);
    this.camera.aspect = width / height;
    this.camera.setViewOffset(width, height, 0, Math.round((bottom - top) / 2), width, height);
    this.camera.updateProjectionMatrix();
    this.dirty = true;
    return true;
  }

  get mode(): View {
    return this.view;
  }

  /** Change the way the camera behaves; "front" also walks round to the dancers' front. */
  setView(view: View, figures: Figure[]): void {
    this.view = view;
    this.dirty = true;
    if (view === "front") this.frame(figures, 0, 0.1);
  }

  /** Place the camera so that all figures fit, from `turn` rad off the dancers' front and `lift` rad above the horizon. */
  frame(figures: Figure[], turn: number, lift: number): void {
    if (!figures.length) return;
    this.aim(figures, this.focus);
    const around = this.front + turn;
    const { width, height } = this.extent(figures);
    const fov = THREE.MathUtils.degToRad(this.camera.fov);
    const share = this.free / Math.max(this.canvas.clientHeight, 1);
    const tall = (0.5 * height * 1.16) / (Math.tan(fov / 2) * share); // room for raised arms
    const wide = (0.5 * (width + 1.1)) / (Math.tan(fov / 2) * this.camera.aspect);
    const away = Math.max(tall, wide, 2);
    this.controls.target.copy(this.focus);
    this.camera.position.copy(this.focus).add(
      this.v.set(Math.sin(around) * Math.cos(lift), Math.sin(lift), Math.cos(around) * Math.cos(lift)).multiplyScalar(away),
    );
    this.controls.update();
    this.dirty = true;
  }

  /** Let the camera go along, by `elapsed` s (Infinity: at once), and the light with it. */
  track(figures: Figure[], elapsed: number): void {
    if (!figures.length) return;
    this.aim(figures, this.wanted);
    const share = elapsed === Infinity ? 1 : 1 - Math.exp(-elapsed / 0.35);
    this.step.subVectors(this.wanted, this.focus).multiplyScalar(share);
    this.focus.add(this.step);
    if (this.view !== "orbit") {
      this.controls.target.add(this.step);
      this.camera.position.add(this.step);
    }
    const { width } = this.extent(figures);
    const reach = 1.6 + 0.6 * width;
    const cam = this.key.shadow.camera;
    if (cam.right !== reach) {
      cam.left = cam.bottom = -reach;
      cam.right = cam.top = reach;
      cam.near = 0.5;
      cam.far = 30;
      cam.updateProjectionMatrix();
      this.shadow.scale.setScalar(3.2 * reach); // beyond the light's frustum nothing casts
    }
    this.key.target.position.copy(this.focus);
    this.key.position.copy(this.focus).addScaledVector(this.toKey, 12);
    this.floor.material.uniforms.focus.value.set(this.focus.x, this.focus.z);
    this.floor.material.uniforms.reach.value = 2.6 + 0.5 * width;
    this.floor.position.set(this.focus.x, 0, this.focus.z);
    this.shadow.position.set(this.focus.x, 0.002, this.focus.z);
  }

  /** Told how long the last picture took while playing, s: where they stay slow, draw more coarsely. */
  adapt(elapsed: number): void {
    this.slow = elapsed > 0.06 ? this.slow + (elapsed > 0.2 ? 4 : 1) : Math.max(0, this.slow - 0.5);
    if (this.slow < 10 || this.finest <= 0.5) return;
    this.slow = 0;
    const now = Math.min(window.devicePixelRatio, this.finest);
    this.finest = now > 1 ? 1 : now > 0.75 ? 0.75 : 0.5;
    if (this.finest <= 0.75) this.plainShadows();
  }

  /** Shadows without the blur passes, which cost the most where the processor draws. */
  private plainShadows(): void {
    if (this.renderer.shadowMap.type === THREE.PCFShadowMap) return;
    this.renderer.shadowMap.type = THREE.PCFShadowMap;
    this.key.shadow.mapSize.set(512, 512);
    this.key.shadow.radius = 2;
    this.key.shadow.map?.dispose();
    this.key.shadow.map = null;
    this.scene.traverse((o) => {
      if (o instanceof THREE.Mesh) (o.material as THREE.Material).needsUpdate = true;
    });
  }

  render(): void {
    this.controls.update();
    this.renderer.render(this.scene, this.camera);
  }

  /** Page position of a world point in CSS pixels, or null behind the camera. */
  project(point: THREE.Vector3): { x: number; y: number } | null {
    this.v.copy(point).project(this.camera);
    if (this.v.z > 1) return null;
    return { x: (0.5 + 0.5 * this.v.x) * this.canvas.clientWidth, y: (0.5 - 0.5 * this.v.y) * this.canvas.clientHeight };
  }

  private aim(figures: Figure[], out: THREE.Vector3): void {
    out.set(0, 0, 0);
    for (const figure of figures) out.add(figure.root(this.v));
    out.divideScalar(figures.length);
    out.y = 0.52 * this.extent(figures).height;
  }

  private extent(figures: Figure[]): { width: number; height: number } {
    const along = figures.map((f) => f.group.position.x * Math.cos(this.front) - f.group.position.z * Math.sin(this.front));
    return { width: Math.max(...along) - Math.min(...along), height: Math.max(...figures.map((f) => bodyHeight(f))) };
  }
}

const heights = new WeakMap<Figure, number>();

/** Length of the longest way from the root down plus the longest way up: holds for any rest pose. */
export function bodyHeight(figure: Figure): number {
  if (figure.character) return figure.character.height;
  let height = heights.get(figure);
  if (height === undefined) {
    const { parents, offsets, tips } = figure.take;
    const far = parents.map(() => 0);
    const length = (o: number[], j: number) => Math.hypot(o[3 * j], o[3 * j + 1], o[3 * j + 2]);
    parents.forEach((parent, j) => {
      if (parent >= 0) far[j] = far[parent] + length(offsets, j);
    });
    Object.entries(tips).forEach(([j, tip]) => (far[+j] += Math.hypot(tip[0], tip[1], tip[2])));
    height = Math.max(0.3, 2 * Math.max(...far.filter((_, j) => figure.take.feet.includes(j)), 0.42 * Math.max(...far)) * 0.87);
    heights.set(figure, height);
  }
  return height;
}

function floorMaterial(): THREE.ShaderMaterial {
  return new THREE.ShaderMaterial({
    uniforms: {
      focus: { value: new THREE.Vector2() },
      reach: { value: 2.6 },
      horizon: { value: HORIZON },
      pool: { value: new THREE.Color("#f8f5f0") },
      line: { value: new THREE.Color("#bfb6a8") },
    },
    vertexShader: `
      varying vec2 at;
      void main() {
        vec4 world = modelMatrix * vec4(position, 1.0);
        at = world.xz;
        gl_Position = projectionMatrix * viewMatrix * world;
      }`,
    fragmentShader: `
      uniform vec2 focus; uniform float reach;
      uniform vec3 horizon, pool, line;
      varying vec2 at;
      void main() {
        vec2 cell = at / 0.5;
        vec2 soft = fwidth(cell);
        vec2 width = vec2(0.018);
        vec2 off = abs(fract(cell - 0.5) - 0.5);
        vec2 cover = clamp((0.5 * (width + soft) - off) / max(soft, width), 0.0, 1.0) * min(vec2(1.0), width / soft);
        float fade = 1.0 / (1.0 + dot(at - focus, at - focus) / (reach * reach));
        fade *= fade;
        vec3 colour = mix(horizon, pool, fade);
        colour = mix(colour, line, 0.9 * fade * max(cover.x, cover.y));
        gl_FragColor = vec4(colour, 1.0);
        #include <colorspace_fragment>
      }`,
    depthWrite: false,
  });
}
