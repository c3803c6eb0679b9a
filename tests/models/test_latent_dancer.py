"""The latent dancer: shipped weights fit, latents are scaled, settings agree with each other."""

from __future__ import annotations

import json
from importlib import resources

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="models need the [train] extra")

from farandole.models.autoencoder import AutoencoderConfig  # noqa: E402
from farandole.models.errors import ConfigError  # noqa: E402
from farandole.models.latent_dancer import LatentDancer, LatentDancerConfig  # noqa: E402
from farandole.models.settings import build, plain  # noqa: E402
from farandole.models.window_flow import WindowFlowConfig  # noqa: E402

SMALL = LatentDancerConfig(
    AutoencoderConfig(dim=9, latent_dim=4, encoder_width=8, decoder_width=8),
    WindowFlowConfig(latent_dim=4, pose_dim=9, music_dim=3, tokens=6, width=14, layers=1, heads=7),
)


def test_shipped_weights_fit_and_decode_as_their_onnx_file() -> None:
    load_file = pytest.importorskip("safetensors.torch", reason="weights need the [train] extra").load_file
    onnxruntime = pytest.importorskip("onnxruntime")
    folder = resources.files("farandole.models") / "shipped" / "starter"
    facts = json.loads((folder / "config.json").read_text())
    dancer = LatentDancer(build(LatentDancerConfig, facts["config"], "config")).eval()
    state = load_file(str(folder / "model.safetensors"))
    assert state.keys() == dancer.state_dict().keys()
    dancer.load_state_dict({k: v.float() for k, v in state.items()})
    session = onnxruntime.InferenceSession(str(folder / "decoder.onnx"), providers=["CPUExecutionProvider"])
    latents = torch.randn(1, 20, dancer.config.autoencoder.latent_dim)
    with torch.no_grad():
        features = dancer.decoder(latents)
    np.testing.assert_allclose(features, session.run(None, {"latents": latents.numpy()})[0], atol=2e-3)


def test_latents_are_scaled_on_both_ways() -> None:
    dancer = LatentDancer(SMALL).eval()
    features, latents = torch.randn(2, 24, 9), torch.randn(2, 6, 4)
    with torch.no_grad():
        raw, decoded = dancer.encode(features), dancer.decode(latents)
        dancer.latent_mean += 0.5
        dancer.latent_std *= 2
        torch.testing.assert_close(dancer.encode(features), (raw - 0.5) / 2)
        torch.testing.assert_close(dancer.decode((latents - 0.5) / 2), decoded)
    again = LatentDancer(SMALL)
    again.load_state_dict(dancer.state_dict())
    assert torch.equal(again.latent_std, dancer.latent_std)


def test_settings_must_agree() -> None:
    with pytest.raises(ConfigError, match="autoencoder.dim 129 is not flow.pose_dim 7"):
        LatentDancerConfig(flow=WindowFlowConfig(pose_dim=7))
    fitted = SMALL.fitted({"motion": 12, "music": 5, "style": 8})
    assert (fitted.autoencoder.dim, fitted.flow.pose_dim, fitted.flow.music_dim, fitted.flow.styles) == (12, 12, 5, 8)
    assert build(LatentDancerConfig, plain(fitted), "again") == fitted
