/** A VRM character (0.x or 1.0) that takes the poses of a live dance. */
import * as THREE from "three";
import { GLTFLoader } from "three/examples/jsm/loaders/GLTFLoader.js";
import { VRMLoaderPlugin, VRMMetaLoaderPlugin, VRMUtils, type VRM, type VRMHumanBoneName } from "@pixiv/three-vrm";
import type { Frame } from "./main";

export class Avatar {
  readonly object: THREE.Object3D;
  private readonly nodes: (THREE.Object3D | null)[];
  private readonly hips: THREE.Object3D;
  private readonly from = new THREE.Quaternion();
  private readonly to = new THREE.Quaternion();
  private readonly a = new THREE.Vector3();
  private readonly b = new THREE.Vector3();

  private constructor(private readonly vrm: VRM, private readonly bones: string[]) {
    this.object = vrm.scene;
    this.nodes = bones.map((bone) => vrm.humanoid.getNormalizedBoneNode(bone as VRMHumanBoneName));
    const hips = vrm.humanoid.getNormalizedBoneNode("hips");
    if (!hips) throw new Error("it has no hips");
    this.hips = hips;
    VRMUtils.rotateVRM0(vrm); // 0.x faces -z
    vrm.scene.traverse((object) => {
      object.frustumCulled = false; // bounds are those of the rest pose
      object.castShadow = true;
    });
  }

  static async load(address: string, bones: string[]): Promise<Avatar> {
    const loader = new GLTFLoader();
    loader.register((parser) => {
      // three-vrm refuses files under other licences than VRM's own. Whoever opens a file of theirs knows its terms.
      const licence: unknown = parser.json.extensions?.VRMC_vrm?.meta?.licenseUrl;
      const metaPlugin = new VRMMetaLoaderPlugin(parser, { acceptLicenseUrls: licence === undefined ? [] : [licence as string] });
      return new VRMLoaderPlugin(parser, { metaPlugin });
    });
    const gltf = await loader.loadAsync(address);
    const vrm = gltf.userData.vrm as VRM | undefined;
    if (!vrm) throw new Error("it is no VRM file");
    return new Avatar(vrm, bones);
  }

  /** Between two frames; `elapsed` s move hair and clothes. */
  pose(before: Frame, after: Frame, share: number, elapsed: number): void {
    const back = this.vrm.meta?.metaVersion === "0" ? -1 : 1; // normalised bones of 0.x are in the axes of the file
    this.nodes.forEach((node, j) => {
      if (!node) return;
      this.from.fromArray(before.vrm, 4 * j);
      this.to.fromArray(after.vrm, 4 * j);
      node.quaternion.copy(this.from).slerp(this.to, share);
      node.quaternion.x *= back;
      node.quaternion.z *= back;
    });
    this.a.fromArray(before.hips).lerp(this.b.fromArray(after.hips), share);
    this.hips.position.set(back * this.a.x, this.a.y, back * this.a.z);
    this.vrm.update(elapsed);
  }

  /** World positions of the character's own bones, m. */
  positions(): Record<string, number[]> {
    this.object.updateMatrixWorld(true);
    const result: Record<string, number[]> = {};
    for (const bone of this.bones) {
      const node = this.vrm.humanoid.getRawBoneNode(bone as VRMHumanBoneName);
      if (node) result[bone] = node.getWorldPosition(this.a).toArray();
    }
    return result;
  }
}
