"""Running a checkpoint's networks: with ONNX Runtime (the default, light) or with torch. Both give the same numbers."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from farandole.errors import CheckpointError, MissingExtraError
from farandole.generation.checkpoint import NETWORKS, Checkpoint
from farandole.motion.rotations import Array


class Engine(Protocol):
    """The three networks of a checkpoint, float32 arrays in and out, on scaled features and latents."""

    def encode(self, pose: Array) -> Array:
        """Pose features [B, 4 N, D] -> latents [B, N, Z]."""
        ...

    def decode(self, latents: Array) -> Array:
        """Latents [B, N, Z] -> pose features [B, 4 N, D]."""
        ...

    def velocity(self, x: Array, t: Array, known: Array, music: Array, style: Array, pinned: Array) -> Array:
        """Velocities of the flow, [B, N, Z]; see `models.window_flow.WindowFlow.forward`."""
        ...


class OnnxEngine:
    """Networks run by ONNX Runtime on the CPU.

    Two threads by default: a third gains nothing on networks this small.
    """

    def __init__(self, checkpoint: Checkpoint, *, threads: int = 2) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        self._options = options
        self._checkpoint = checkpoint
        self._sessions: dict[str, Any] = {}
        for network in NETWORKS:
            if not checkpoint.onnx(network).is_file():
                raise CheckpointError(
                    f"{checkpoint.folder} has no {network}.onnx: make it with farandole models export, or use --engine torch"
                )

    def _run(self, network: str, inputs: dict[str, Array]) -> Array:
        # Sessions are made when first needed: dancing from nothing never loads the encoder.
        if network not in self._sessions:
            import onnxruntime

            self._sessions[network] = onnxruntime.InferenceSession(
                str(self._checkpoint.onnx(network)), self._options, providers=["CPUExecutionProvider"]
            )
        return self._sessions[network].run(None, inputs)[0]

    def encode(self, pose: Array) -> Array:
        """See `Engine.encode`."""
        return self._run("encoder", {"pose": pose})

    def decode(self, latents: Array) -> Array:
        """See `Engine.decode`."""
        return self._run("decoder", {"latents": latents})

    def velocity(self, x: Array, t: Array, known: Array, music: Array, style: Array, pinned: Array) -> Array:
        """See `Engine.velocity`."""
        return self._run("flow", {"x": x, "t": t, "known": known, "music": music, "style": style, "pinned": pinned})


class TorchEngine:
    """Networks run by torch, for research and for devices other than the CPU."""

    def __init__(self, checkpoint: Checkpoint, *, device: str = "cpu") -> None:
        try:
            import torch
            from safetensors.torch import load_file
        except ImportError as error:
            raise MissingExtraError("the torch engine", "train") from error
        from farandole.models.autoencoder import AutoencoderConfig, MotionDecoder, MotionEncoder
        from farandole.models.window_flow import WindowFlow, WindowFlowConfig

        recipe = checkpoint.config["recipe"]
        sizes = AutoencoderConfig(**recipe["autoencoder"])
        nets = {
            "encoder": MotionEncoder(sizes),
            "decoder": MotionDecoder(sizes),
            "flow": WindowFlow(WindowFlowConfig(**recipe["flow"])),
        }
        weights = load_file(checkpoint.weights)
        for name, net in nets.items():
            own = {k.removeprefix(f"{name}."): v.float() for k, v in weights.items() if k.startswith(f"{name}.")}
            try:
                net.load_state_dict(own)
            except RuntimeError as error:
                raise CheckpointError(f"{checkpoint.weights} does not fit its configuration: {error}") from error
            net.eval().to(device)
        self._torch, self.networks, self._device = torch, nets, device

    def _run(self, network: str, *inputs: Array) -> Array:
        with self._torch.inference_mode():
            out = self.networks[network](
                *(self._torch.from_numpy(np.ascontiguousarray(a)).to(self._device) for a in inputs)
            )
        return (out[0] if isinstance(out, tuple) else out).cpu().numpy()

    def encode(self, pose: Array) -> Array:
        """See `Engine.encode`."""
        return self._run("encoder", pose)

    def decode(self, latents: Array) -> Array:
        """See `Engine.decode`."""
        return self._run("decoder", latents)

    def velocity(self, x: Array, t: Array, known: Array, music: Array, style: Array, pinned: Array) -> Array:
        """See `Engine.velocity`."""
        return self._run("flow", x, t, known, music, style, pinned)


ENGINES = {"onnx": OnnxEngine, "torch": TorchEngine}


def make_engine(checkpoint: Checkpoint, name: str = "onnx") -> Engine:
    """An engine by name. Raises CheckpointError listing the names that exist."""
    if name not in ENGINES:
        raise CheckpointError(f"no engine '{name}': there are {', '.join(ENGINES)}")
    return ENGINES[name](checkpoint)
