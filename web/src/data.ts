/** What the page carries: motions quantised to 16 bits, the song, the beats. Written by farandole/view/page.py. */

export interface RawTake {
  name: string;
  fps: number;
  frames: number;
  joints: string[];
  parents: number[];
  /** Rest offsets, flat [J * 3], m. */
  offsets: number[];
  /** Tips of leaf bones: joint index -> [x, y, z] m. */
  tips: Record<string, number[]>;
  /** Rounded cones: joint, start xyz, end xyz, start radius, end radius (m, in the joint's frame), colour index. */
  parts: number[][];
  /** Where the body looks on average, rad from +z towards +x. */
  facing: number;
  /** Joints of the feet, for contact shades. */
  feet: number[];
  /** zlib of the low bytes, then the high bytes, of frame-to-frame differences of int16 quaternions w x y z. */
  rotations: string;
  /** zlib of float32 root positions [T * 3], m. */
  root: string;
  /** How it moves any human; null for motions of anything else. */
  humanoid: Humanoid | null;
  /** The character that is shown instead of the mannequin, and which of its animations (-1: its rest pose). */
  character: { file: number; animation: number } | null;
  /** zlib of float32 local joint positions [T * J * 3], m, where bones change length. */
  translations?: string;
}

export interface Humanoid {
  /** Joint of each part of the body. */
  roles: Record<string, number>;
  /** Rotation w x y z from T-pose axes (x left, y up, z front) to the joint's own. */
  frames: Record<string, number[]>;
  /** Joint positions of a body in an exact T-pose, as tall in the legs, m. */
  rest: Record<string, number[]>;
}

export interface RawCharacter {
  name: string;
  /** Number and name of the node that plays each part. */
  roles: Record<string, [number, string]>;
  data: string;
}

export interface RawSong {
  name: string;
  type: string;
  data: string;
  seconds: number;
  tempo: number;
  beats: number[];
  downbeats: number[];
}

export interface Payload {
  version: number;
  title: string;
  colours: string[];
  takes: RawTake[];
  ghosts: (RawTake | null)[];
  characters: RawCharacter[];
  /** Times of marked frames, s. */
  marks: number[];
  song: RawSong | null;
  /** Loudness 0..255 along the song. */
  energy: { rate: number; data: string } | null;
}

export interface Take extends Omit<RawTake, "rotations" | "root" | "translations"> {
  /** Unit quaternions x y z w (three.js order), [T * J * 4]. */
  quaternions: Float32Array;
  rootPositions: Float32Array;
  translations: Float32Array | null;
  seconds: number;
}

export function readPayload(): Payload {
  const element = document.getElementById("farandole-data");
  if (!element?.textContent) throw new Error("this page carries no motion");
  const payload = JSON.parse(element.textContent) as Payload;
  element.remove(); // a song of some megabytes need not stay in the document
  if (payload.version !== 2) throw new Error(`this page's data has version ${payload.version}; the viewer reads version 2`);
  return payload;
}

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

async function inflate(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([fromBase64(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

export async function decodeTake(raw: RawTake): Promise<Take> {
  const stride = raw.joints.length * 4;
  const count = raw.frames * stride;
  const planes = await inflate(raw.rotations);
  if (planes.length !== 2 * count) throw new Error(`${raw.name}: rotations are incomplete`);
  const whole = new Int16Array(count);
  for (let i = 0; i < count; i++) {
    const difference = planes[i] | (planes[count + i] << 8);
    whole[i] = i < stride ? difference : whole[i - stride] + difference; // wraps at 16 bits, as it was written
  }
  const quaternions = new Float32Array(count);
  for (let i = 0; i < count; i += 4) {
    const [w, x, y, z] = [whole[i], whole[i + 1], whole[i + 2], whole[i + 3]];
    const scale = 1 / Math.hypot(w, x, y, z);
    quaternions[i] = x * scale;
    quaternions[i + 1] = y * scale;
    quaternions[i + 2] = z * scale;
    quaternions[i + 3] = w * scale;
  }
  const floats = async (text: string) => new Float32Array((await inflate(text)).buffer);
  return {
    ...raw,
    quaternions,
    rootPositions: await floats(raw.root),
    translations: raw.translations ? await floats(raw.translations) : null,
    seconds: raw.frames / raw.fps,
  };
}
