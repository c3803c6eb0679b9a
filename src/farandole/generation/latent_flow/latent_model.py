"""Networks of a dancer and what goes into and out of them: features, latents, noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from farandole.checkpoints.session import check_finite
from farandole.errors import CheckpointError
from farandole.generation.completer import MOTION, Completer, Progress
from farandole.generation.latent_flow.latent_windows import decode_latents, echoed, sample_latents
from farandole.models.abilities import LatentFlow
from farandole.motion.dance_codec import DanceCodec
from farandole.motion.rotations import Array
from farandole.music.dance_features import NAME

if TYPE_CHECKING:
    from farandole.generation.latent_flow.dance_score import DanceScore
    from farandole.motion.motion import Motion

LATENT = "latent"


class LatentModel(Completer[LatentFlow]):
    """A flow over latents with its encoder and decoder."""

    kind = "latent_flow"
    networks = ("flow", "decoder")

    @property
    def codec(self) -> DanceCodec:
        """Its features. Raises CheckpointError if they are others."""
        codec = self.checkpoint.codec
        if not isinstance(codec, DanceCodec):
            raise CheckpointError(
                f"{self.checkpoint.folder}: a dancer's features are {DanceCodec.name}, not {codec.name}"
            )
        heard = self.checkpoint.config.features.get("music", NAME)
        if heard != NAME:
            raise CheckpointError(
                f"{self.checkpoint.folder} hears {heard}, dancers of this version {NAME}: train it again"
            )
        return codec

    def scale(self, modality: str, values: Array) -> Array:
        """See `Completer.scale`; music features are told as they are."""
        if modality != MOTION:
            return np.asarray(values, np.float32)
        mean, std = self.scales(MOTION, values.shape[-1])
        return (values - mean) / std

    def scales(self, modality: str, columns: int) -> tuple[Array, Array]:
        """Mean and deviation of motion features or latents, float32 [D]."""
        scaler = self.checkpoint.scaler(modality, columns)
        return scaler.mean.astype(np.float32), scaler.std.astype(np.float32)

    def poses(
        self,
        music: Array,
        style: Array,
        noise: Array,
        pinned: Array,
        *,
        start: Array | None = None,
        lag: Array | None = None,
        progress: Progress | None = None,
    ) -> Array:
        """Scaled pose features [B, T, D]; arguments as for `sample_latents`."""
        options = {"pinned": pinned, "start": start, "lag": lag, "progress": progress}
        return self.decoded(sample_latents(self.session, music, style, noise, self.facts, **options))

    def decoded(self, latents: Array) -> Array:
        """Scaled pose features [B, 4 N, D] of scaled latents [B, N, Z]."""
        return np.concatenate(list(self.decoded_pieces(latents)), axis=1)

    def decoded_pieces(self, latents: Array) -> Iterator[Array]:
        """The same in pieces, [B, K, D]: features of a long dance need not be held all at once."""
        mean, std = self.scales(LATENT, latents.shape[-1])
        for piece in decode_latents(self.session, latents * std + mean, self.facts):
            yield check_finite([piece], self.checkpoint)[0]

    def unscale(self, features: Array) -> Array:
        """See `Completer.unscale`."""
        mean, std = self.scales(MOTION, features.shape[-1])
        return features * std + mean

    def music(self, score: DanceScore) -> Array:
        """Music features of a score, [T, C]."""
        return score.features(self.facts.precision)

    def mix(self, score: DanceScore) -> Array:
        """Weights of the styles at every token of a score, float32 [T / 4, S]; T is divisible by 4."""
        if score.mix is None:
            one = np.array([token == score.style for token in self.facts.styles], np.float32)
            return np.repeat(one[None], len(score) // self.facts.frames_per_token, axis=0)
        per_token = self.facts.frames_per_token
        return score.mix.reshape(-1, per_token, score.mix.shape[1]).mean(axis=1).astype(np.float32)

    def spread(self, mix: Array) -> Array:
        """Deviation of the noise at temperature 1 for weights of styles, [N, S] -> [N, 1]."""
        return (mix @ np.array([style.spread for style in self.facts.styles.values()], np.float32))[:, None]

    def locking(self, score: DanceScore) -> Array:
        """How far from straight a standing leg of the styles of a score is locked, [T] m."""
        each = np.array([style.locking for style in self.facts.styles.values()])
        return np.repeat(self.mix(score) @ each, self.facts.frames_per_token)

    def lag(self, score: DanceScore) -> Array:
        """Tokens from each token of a score back to the one that it varies, [T / 4]; 0: none."""
        per_token = self.facts.frames_per_token
        if score.echo is None:
            return np.zeros(len(score) // per_token)
        return score.echo[::per_token] / per_token

    def no_pins(self, frames: int) -> Array:
        """Pinned features and flags where nothing is pinned, [frames, D + G]."""
        return np.zeros((frames, self.codec.dim + len(self.facts.groups)), np.float32)

    @property
    def latent_size(self) -> int:
        """Numbers of a latent, Z."""
        return len(self.checkpoint.scalers[LATENT].mean) if LATENT in self.checkpoint.scalers else 0

    def latents(self, body: Motion) -> Array:
        """Scaled latents of a motion of the model's body at its frame rate, whole tokens long, [T / 4, Z]."""
        return self._latents(self.scale(MOTION, self.codec.encode(body))[None])[0]

    def noise(self, seed: Sequence[int], mix: Array, temperature: float, echo: np.ndarray | None = None) -> Array:
        """Random numbers of a dance with these weights of styles [N, S], [N, Z]; `echo`: see `DanceScore`."""
        normal = np.random.default_rng(seed).standard_normal((len(mix), self.latent_size))
        if echo is not None:
            normal = echoed(normal, echo[:: self.facts.frames_per_token] / self.facts.frames_per_token)
        return (self.spread(mix) * normal).astype(np.float32) * (temperature * self.facts.temperature)

    def _latents(self, pose: Array) -> Array:
        """Scaled latents of scaled poses, [B, T, D] -> [B, T / 4, Z]."""
        encoded = self.session.run("encoder", {"pose": np.ascontiguousarray(pose, np.float32)})[0]
        mean, std = self.scales(LATENT, encoded.shape[-1])
        return (encoded - mean) / std
