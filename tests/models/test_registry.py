"""Models by name: built-in ones without importing torch, plug-ins of other packages, errors that list what there is."""

from __future__ import annotations

import subprocess
import sys

import pytest

from farandole.errors import DataError
from farandole.models import registry
from farandole.models.registry import model_names, model_type, register

BUILT_IN = (
    "crossmodal", "inbetweener", "latent_dancer", "moglow", "motionbert", "residualflower", "threebert", "transflower",
    "transformer", "transformerflow", "transglower",
)  # fmt: skip
PLUG_IN = """
from farandole.models.registry import register

@register("waltz")
class Waltz:
    Config = dict
"""


@pytest.fixture(autouse=True)
def _only_built_in_models_stay():
    yield
    for name in registry._REGISTERED.keys() - set(BUILT_IN):
        del registry._REGISTERED[name]


@pytest.fixture
def plug_in(tmp_path, monkeypatch: pytest.MonkeyPatch):
    """A function (module text, entry points): a package that is installed as a user's would be."""

    def install(text: str, *entries: str) -> None:
        info = tmp_path / "dances-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dances\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("\n".join(["[farandole.models]", *entries]) + "\n")
        (tmp_path / "dances_of_mine.py").write_text(text)
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "dances_of_mine", raising=False)

    return install


def test_names_are_known_without_torch() -> None:
    code = "import sys; from farandole.models.registry import model_names; print(*model_names()); assert 'torch' not in sys.modules"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.split() == list(BUILT_IN)


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_model_lies_in_the_file_of_its_name_and_makes_itself_from_its_settings(name: str) -> None:
    torch = pytest.importorskip("torch", reason="models need the [train] extra")
    kind = model_type(name)
    assert (kind.name, kind.__module__) == (name, f"farandole.models.{name}")
    presets = kind.Config.presets()
    config = kind.Config.preset(presets[-1]) if presets else kind.Config()
    with torch.device("meta"):
        assert kind(config).config is config


@pytest.mark.parametrize("name", BUILT_IN)
def test_settings_take_the_sizes_of_the_data(name: str) -> None:
    pytest.importorskip("torch", reason="models need the [train] extra")
    kind = model_type(name)
    presets = kind.Config.presets()
    config = kind.Config.preset(presets[-1]) if presets else kind.Config()
    wanted = {m: {"motion": 9 * 30 + 21 if name == "inbetweener" else 9 * 7 + 3}.get(m, 11) for m in config.dims}
    fitted = config.fitted(wanted, (2,))
    assert fitted.dims == wanted
    assert fitted.fitted(config.dims).dims == config.dims
    assert config.fitted({}).dims == config.dims


def test_columns_that_stand_still_reach_the_signal() -> None:
    pytest.importorskip("torch", reason="models need the [train] extra")
    for name in ("moglow", "transflower"):
        assert model_type(name).Config.preset("farandole").fitted({}, (1, 4)).signal.still == (1, 4)
    both = model_type("residualflower").Config.preset("farandole").fitted({}, (1, 4))
    assert both.mean.signal.still == both.residual.signal.still == (1, 4)


@pytest.mark.parametrize("entry", ["waltz = dances_of_mine:Waltz", "waltz = dances_of_mine"])
def test_a_plug_in_is_a_model_like_any_other(plug_in, entry: str) -> None:
    plug_in(PLUG_IN, entry)
    assert "waltz" in model_names()
    assert "dances_of_mine" not in sys.modules
    assert model_type("waltz").__module__ == "dances_of_mine"


def test_a_class_registered_by_hand_is_found() -> None:
    @register("polka")
    class Polka:
        Config = dict

    assert model_type("polka") is Polka
    assert Polka.name == "polka"
    assert "polka" in model_names()


def test_what_is_wrong_is_said(plug_in) -> None:
    with pytest.raises(DataError, match="no model 'foxtrot'; there are: crossmodal, inbetweener, "):
        model_type("foxtrot")
    with pytest.raises(DataError, match=r"no model \['moglow'\]; there are"):
        model_type(["moglow"])
    plug_in(PLUG_IN, "tango = dances_of_mine:Waltz", "jive = dances_of_mine:Jive", "samba = dances_of_yours")
    with pytest.raises(DataError, match=r"'tango' \(dances_of_mine:Waltz\) is not registered under that name"):
        model_type("tango")
    with pytest.raises(DataError, match=r"'jive' .* cannot be imported: .*Jive"):
        model_type("jive")
    with pytest.raises(DataError, match=r"'samba' .* cannot be imported: No module named 'dances_of_yours'"):
        model_type("samba")
    with pytest.raises(DataError, match="states no settings"):
        register("jig")(type("Jig", (), {}))
    register("jig")(type("Jig", (), {"Config": dict}))
    with pytest.raises(DataError, match=r"'jig' is registered already, by .*Jig; .*Gigue needs another name"):
        register("jig")(type("Gigue", (), {"Config": dict}))
