"""Own pictures through networks: tiles make up the whole, and nothing of the picture is lost."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from PIL import Image, ImageCms
from safetensors.torch import save_file
from torch import nn

from srbench.apply.trained import Network
from srbench.apply.upscale import cut_for, upscaled
from srbench.core import slots
from srbench.core.errors import UserError
from srbench.core.streams import Streams
from srbench.data.images import Photograph
from srbench.measure.forward import self_ensemble
from srbench.measure.tiles import ALIGNED, Cut, tiles
from srbench.train.initialise import initialise

slots.load()
SIDE = 130  # LR pixels: more than one tile and its margins


def network(written: object, scale: int = 2) -> Network:
    choice = slots.model.parse(written)
    net: nn.Module = choice.build()(scale)
    if any(True for _ in net.parameters()):
        initialise(net, Streams(0, ""))
    return Network(net.eval(), scale, str(choice), {})


def photograph(side: int = SIDE) -> Photograph:
    """A photograph with detail everywhere, of an odd height."""
    draws = np.random.default_rng(0)
    smooth = np.add.outer(np.sin(np.arange(side - 3) / 9), np.cos(np.arange(side) / 5))
    rgb = 127 + 50 * smooth[..., None] + draws.normal(0, 20, (side - 3, side, 3))
    return Photograph(rgb.clip(0, 255).astype(np.uint8), None, False, None)


def pixels(made: Image.Image) -> np.ndarray:
    return np.array(made).astype(int)


LOCAL = [
    {"carn": {"channels": 4, "blocks": 2}},
    {"carn": {"channels": 4, "blocks": 1, "skip": "bicubic", "upsampler": "nearest"}},
    {"carn": {"channels": 4, "blocks": 2, "rates": [1, 2], "convolution": "partial"}},
    "bicubic",
    "lanczos",
]


@pytest.mark.parametrize("written", LOCAL, ids=str)
def test_tiles_make_up_the_whole_picture(written: object) -> None:
    net, photo = network(written), photograph()
    cut = cut_for(net, 32, *photo.rgb.shape[:2])
    assert len(tiles(*photo.rgb.shape[:2], cut)) > 4
    whole, tiled = (pixels(upscaled(net, photo, one)) for one in (Cut(0, 0), cut))
    assert np.abs(whole - tiled).max() <= 1


def test_a_network_that_depends_on_the_whole_is_not_cut_unasked() -> None:
    net = network({"carn": {"channels": 4, "attention": "se"}})
    assert cut_for(net, None, 900, 1000).tile == 0
    with pytest.raises(UserError, match="--tile 512"):
        cut_for(net, None, 3000, 4000)
    assert cut_for(net, 512, 3000, 4000) == Cut(512, ALIGNED)


def test_the_self_ensemble_is_the_mean_over_flips_and_turns() -> None:
    net, photo = network({"carn": {"channels": 4, "blocks": 1}}), photograph()
    x = torch.tensor(photo.rgb).permute(2, 0, 1)[None] / 255
    with torch.inference_mode():
        views = [torch.rot90(x, k, (2, 3)) for k in range(4)]
        ys = [torch.rot90(net.net(v), -k, (2, 3)) for k, v in enumerate(views)]
        views = [view.flip(3) for view in views]
        ys += [torch.rot90(net.net(v).flip(3), -k, (2, 3)) for k, v in enumerate(views)]
    mean = (torch.stack(ys).mean(0)[0].clamp(0, 1) * 255 + 0.5).floor().permute(1, 2, 0)
    made = pixels(upscaled(net, photo, Cut(64, 32), forward=self_ensemble))
    assert np.abs(made - mean.numpy()).max() <= 1


# the command


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def save(path: Path, mode: str = "RGB", size: tuple[int, int] = (30, 20), **more: object) -> Path:
    draws = np.random.default_rng(1)
    bands = len(Image.new(mode, (1, 1)).getbands())
    values = draws.integers(0, 256, (size[1], size[0], bands), np.uint8)
    values = values[..., 0] if bands == 1 else values
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values, mode).save(path, **more)  # type: ignore[arg-type]
    return path


def bicubic(*arguments: str) -> int:
    return tiny.called("upscale", *arguments, "--model", "bicubic", "--scale", "3")


def refusal(capsys: pytest.CaptureFixture[str], code: int) -> str:
    out, err = capsys.readouterr()
    assert (code, out, err.count("\n")) == (2, "", 1), err
    return err


@pytest.mark.parametrize(
    ("mode", "comes_back"), [("L", "L"), ("LA", "LA"), ("RGB", "RGB"), ("RGBA", "RGBA")]
)
def test_a_picture_keeps_its_kind(here: Path, mode: str, comes_back: str) -> None:
    save(here / "a.png", mode)
    assert bicubic("a.png") == 0
    with Image.open("upscaled/a.png") as made:
        assert (made.mode, made.size) == (comes_back, (90, 60))


def test_transparency_is_that_of_the_picture(here: Path) -> None:
    ramp = np.zeros((16, 16, 4), np.uint8)
    ramp[:, 8:, 3] = 255
    Image.fromarray(ramp, "RGBA").save("a.png")
    assert bicubic("a.png", "-o", "b.webp") == 0
    with Image.open("b.webp") as made:
        alpha = np.array(made)[..., 3]
    assert (alpha[:, :18].max(), alpha[:, 30:].min()) == (0, 255)


def test_a_colour_profile_is_kept(here: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    save(here / "a.jpg", icc_profile=profile)
    for name in ("b.png", "b.jpg", "b.webp", "b.tif"):
        assert bicubic("a.jpg", "-o", name) == 0
        with Image.open(name) as made:
            assert made.info["icc_profile"] == profile


def test_an_upright_picture_stays_upright(here: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6  # to be turned by a quarter
    save(here / "a.jpg", exif=turned)
    assert bicubic("a.jpg") == 0
    with Image.open("upscaled/a.png") as made:
        assert (made.size, dict(made.getexif())) == ((60, 90), {})


def test_what_cannot_be_kept_is_refused_by_name(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(np.zeros((8, 8), np.uint16)).save("deep.png")
    assert "deep.png: has more than 8 bits" in refusal(capsys, bicubic("deep.png"))
    save(here / "clear.png", "RGBA")
    said = refusal(capsys, bicubic("clear.png", "-o", "x.jpg"))
    assert "x.jpg: JPEG has no transparency" in said
    save(here / "long.png", "L", (6000, 1))
    said = refusal(capsys, bicubic("long.png", "-o", "x.webp"))
    assert "18000x3 pixels; .webp holds 16383 a side" in said
    assert sorted(p.name for p in here.iterdir()) == ["clear.png", "deep.png", "long.png"]


def test_no_picture_is_written_over(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = save(here / "a.png").read_bytes()
    said = refusal(capsys, bicubic("a.png", "-o", "./a.png"))
    assert "would be overwritten" in said
    save(here / "b" / "a.png")
    assert "two images" in refusal(capsys, bicubic("a.png", "b/a.png"))
    assert (here / "a.png").read_bytes() == before


def test_a_folder_is_taken_with_its_folders_but_not_with_the_results(here: Path) -> None:
    save(here / "a.png")
    save(here / "deep" / "b.jpg")
    assert [bicubic("."), bicubic(".")] == [0, 0]
    made = sorted(p.relative_to("upscaled").as_posix() for p in Path("upscaled").rglob("*.png"))
    assert made == ["a.png", "deep/b.png"]


def test_one_broken_picture_does_not_stop_a_folder(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(here / "in" / "a.png")
    (here / "in" / "b.png").write_bytes(b"no picture")
    assert bicubic("in") == 1
    out, err = capsys.readouterr()
    assert out == "upscaled/a.png: 90x60\n"
    assert err.startswith("srbench: left out: in/b.png: is not a PNG")


@pytest.mark.slow
def test_a_finished_run_upscales_by_number_and_by_name(
    tmp_path_factory: pytest.TempPathFactory, here: Path
) -> None:
    done = tiny.finished(tmp_path_factory.getbasetemp())
    db = str(done / tiny.DB)
    save(here / "a.png")
    query = "select run_id from v_runs where variant = 'residual' and seed = 0"
    [(run,)] = tiny.rows(done, query)
    for name, named in (("1", str(run)), ("2", "tiny:residual")):
        arguments = ["upscale", "a.png", "--run", named, "--db", db, "-o", f"{name}.png"]
        assert tiny.called(*arguments) == 0
    assert Path("1.png").read_bytes() == Path("2.png").read_bytes()


def test_a_run_without_its_weights_is_refused(here: Path) -> None:
    from srbench.apply.trained import of_run

    net = network({"carn": {"channels": 4}})
    state = {k: v.contiguous() for k, v in net.net.state_dict().items()}
    save_file(state, here / "w.safetensors")
    training = {"model": {"carn": {"channels": 4}}, "scale": 2, "source": "s"}
    run = {
        "id": 7, "state": "done", "weights": "w.safetensors", "weights_sha256": "0", "seed": 0,
        "fingerprint": "f", "steps": 1, "training": training, "variants": [],
    }  # fmt: skip
    with pytest.raises(UserError, match="SHA-256 differs"):
        of_run(run, here)
    with pytest.raises(UserError, match="without its folder runs"):
        of_run(run | {"weights": "gone.safetensors"}, here)
    with pytest.raises(UserError, match="is running; a finished run is needed"):
        of_run(run | {"state": "running"}, here)


MISTAKES = {
    "no network": ([], "name a network"),
    "two networks": (["--run", "3", "--model", "bicubic"], "name a network"),
    "untrained": (["--model", "carn"], "has weights; name a file of them"),
    "unknown": (["--model", "bicubik"], "did you mean 'bicubic'?"),
    "no yaml": (["--model", "{"], "not YAML"),
    "not weights": (["--model", "carn", "--weights", "a.png"], "is an image"),
    "other weights": (["--model", "carn: {skip: none}", "--weights", "w.safetensors"], "fit"),
    "no file": (["--model", "carn", "--weights", "gone.pth"], "cannot be read"),
    "a format that is not written": (["--model", "bicubic", "-o", "out.gif"], ".png, .jpg"),
    "no run": (["--run", "x", "--db", "none.sqlite"], "there is no database yet"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line(
    here: Path, capsys: pytest.CaptureFixture[str], mistake: str
) -> None:
    save(here / "a.png")
    net = network({"carn": {"channels": 4}}).net
    save_file({k: v.contiguous() for k, v in net.state_dict().items()}, here / "w.safetensors")
    arguments, said = MISTAKES[mistake]
    assert said in refusal(capsys, tiny.called("upscale", "a.png", *arguments))


def test_weights_of_a_file_upscale(here: Path) -> None:
    net = network({"carn": {"channels": 4}})
    save(here / "a.png")
    buffer = io.BytesIO()
    torch.save(net.net.state_dict(), buffer)
    (here / "w.pth").write_bytes(buffer.getvalue())
    model = ["--model", "carn: {channels: 4}", "--weights", "w.pth"]
    assert tiny.called("upscale", "a.png", *model) == 0
    with Image.open("upscaled/a.png") as made, Image.open("a.png") as lr:
        photo = Photograph(np.array(lr), None, False, None)
        assert np.array_equal(np.array(made), upscaled(net, photo, Cut(0, 0)))
