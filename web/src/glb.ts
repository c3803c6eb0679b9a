/** Writes .glb files (glTF 2.0, section 4.4): new ones, and files of others with an animation added. */

interface View { buffer: number; byteOffset: number; byteLength: number; target?: number }
interface Accessor { bufferView: number; componentType: number; count: number; type: string; min?: number[]; max?: number[] }
export interface GltfNode {
  name?: string; children?: number[]; translation?: number[]; rotation?: number[]; scale?: number[]; matrix?: number[];
  mesh?: number; skin?: number;
}
export interface GltfDocument {
  asset: { version: string; generator?: string };
  nodes: GltfNode[];
  bufferViews?: View[];
  accessors?: Accessor[];
  buffers?: { byteLength: number; uri?: string }[];
  animations?: object[];
  [key: string]: unknown;
}

export interface Track {
  node: number;
  path: "rotation" | "translation";
  /** One row per key, [T * 4] (x y z w) or [T * 3]. */
  values: Float32Array;
}

const MAGIC = 0x46546c67, JSON_CHUNK = 0x4e4f534a, BIN_CHUNK = 0x004e4942;
const WIDTHS: Record<string, number> = { SCALAR: 1, VEC3: 3, VEC4: 4, MAT4: 16 };

export class GlbWriter {
  private constructor(readonly document: GltfDocument, private readonly parts: Uint8Array[], private length: number) {}

  static empty(document: GltfDocument): GlbWriter {
    return new GlbWriter(document, [], 0);
  }

  /** A file of others, to which something is added; what it has stays, byte by byte. */
  static open(bytes: Uint8Array): GlbWriter {
    const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (data.getUint32(0, true) !== MAGIC) throw new Error("it is no binary glTF file");
    let document: GltfDocument | null = null, bin = new Uint8Array(0);
    for (let at = 12; at + 8 <= bytes.length; ) {
      const size = data.getUint32(at, true), kind = data.getUint32(at + 4, true);
      const chunk = bytes.subarray(at + 8, at + 8 + size);
      if (kind === JSON_CHUNK && !document) document = JSON.parse(new TextDecoder().decode(chunk)) as GltfDocument;
      if (kind === BIN_CHUNK && !bin.length) bin = new Uint8Array(chunk);
      at += 8 + size;
    }
    if (!document) throw new Error("it holds no glTF document");
    return new GlbWriter(document, [bin], bin.length);
  }

  add(values: Float32Array | Uint16Array | Uint32Array, type: string, options: { bounds?: boolean; target?: number } = {}): number {
    const { document } = this;
    const views = (document.bufferViews ??= []), accessors = (document.accessors ??= []);
    this.push(new Uint8Array((4 - (this.length % 4)) % 4));
    views.push({ buffer: 0, byteOffset: this.length, byteLength: values.byteLength, ...(options.target ? { target: options.target } : {}) });
    this.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    const width = WIDTHS[type];
    const componentType = values instanceof Float32Array ? 5126 : values instanceof Uint16Array ? 5123 : 5125;
    const accessor: Accessor = { bufferView: views.length - 1, componentType, count: values.length / width, type };
    if (options.bounds) {
      accessor.min = new Array(width).fill(Infinity);
      accessor.max = new Array(width).fill(-Infinity);
      values.forEach((v, i) => {
        accessor.min![i % width] = Math.min(accessor.min![i % width], v);
        accessor.max![i % width] = Math.max(accessor.max![i % width], v);
      });
    }
    accessors.push(accessor);
    return accessors.length - 1;
  }

  animate(name: string, fps: number, tracks: Track[]): void {
    const count = Math.max(...tracks.map((t) => t.values.length / (t.path === "rotation" ? 4 : 3)));
    const input = this.add(Float32Array.from({ length: count }, (_, i) => i / fps), "SCALAR", { bounds: true });
    const samplers: object[] = [], channels: object[] = [];
    for (const { node, path, values } of tracks) {
      samplers.push({ input, output: this.add(values, path === "rotation" ? "VEC4" : "VEC3"), interpolation: "LINEAR" });
      channels.push({ sampler: samplers.length - 1, target: { node, path } });
    }
    (this.document.animations ??= []).push({ name, samplers, channels });
  }

  pack(): Uint8Array<ArrayBuffer> {
    this.push(new Uint8Array((4 - (this.length % 4)) % 4));
    const buffers = (this.document.buffers ??= []);
    buffers[0] = { ...buffers[0], byteLength: this.length };
    let text = new TextEncoder().encode(JSON.stringify(this.document));
    const padded = new Uint8Array(Math.ceil(text.length / 4) * 4).fill(0x20);
    padded.set(text);
    text = padded;
    const bytes = new Uint8Array(12 + 8 + text.length + 8 + this.length);
    const data = new DataView(bytes.buffer);
    [MAGIC, 2, bytes.length, text.length, JSON_CHUNK].forEach((v, i) => data.setUint32(4 * i, v, true));
    bytes.set(text, 20);
    let at = 20 + text.length;
    data.setUint32(at, this.length, true);
    data.setUint32(at + 4, BIN_CHUNK, true);
    at += 8;
    for (const part of this.parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  private push(part: Uint8Array): void {
    if (!part.length) return;
    this.parts.push(part);
    this.length += part.length;
  }
}
