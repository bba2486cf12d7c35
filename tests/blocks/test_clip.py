"""CLIP's image side against open_clip's own, and what a network with it costs, keeps and says."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from srbench.blocks.clip import ClipImage, VisionTransformer, cosines, draw, text_embeddings
from srbench.core import slots
from srbench.core.pretrained import WeightsMissing
from srbench.core.streams import Streams
from srbench.measure.cost import cost
from srbench.train.initialise import initialise

slots.load()
RANDOM = {"superresnet": {"features": {"clip": {"weights": "none"}}}}


@pytest.fixture(scope="module")
def open_clip() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("open_clip", reason="the extra clip is not installed")


@pytest.fixture(scope="module")
def theirs(open_clip: Any) -> Any:
    """Their network with random weights: OpenAI's are not at hand."""
    logging.disable(logging.CRITICAL)
    try:
        torch.manual_seed(0)
        return open_clip.create_model("ViT-B-32-quickgelu", pretrained=None).eval()
    finally:
        logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def file(theirs: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.pt"
    torch.save(theirs.state_dict(), path)
    return path


def test_the_macs_of_a_resized_image_do_not_grow_with_the_image() -> None:
    image = 49 * 3 * 32 * 32 * 768 + 12 * 50 * 12 * 768**2 + 768 * 512  # patches, blocks, proj
    with_clip, without = (
        cost(slots.model.parse({"superresnet": {"features": f}}).build(), 4)
        for f in ("clip", "none")
    )
    join = 9 * 576 * 64
    assert with_clip.macs_256 - without.macs_256 == image + join * 256**2
    assert with_clip.macs_720p - without.macs_720p == image + join * 320 * 180
    assert with_clip.receptive_field is None


def test_a_plan_has_no_weights_in_memory() -> None:
    net = ClipImage("none")
    assert all(p.is_meta for p in net.visual.parameters())
    assert net.double().cpu()(torch.rand(2, 3, 1, 257).double()).shape == (2, 512)
    x = torch.rand(1, 3, 7, 9, requires_grad=True)
    net(x).sum().backward()
    assert x.grad is not None
    assert bool((x.grad != 0).all())  # the stand-in sees what the embedding sees: everything


@pytest.mark.slow
def test_every_size_has_an_embedding_and_images_do_not_meet() -> None:
    net = ClipImage("none")
    net.load_pretrained()
    one, strip = torch.rand(2, 3, 20, 31), torch.rand(1, 3, 1, 90)
    assert torch.allclose(net(one)[:1], net(one[:1]), atol=1e-5)
    assert net(strip).isfinite().all()
    assert not torch.allclose(*net(one), atol=1e-3)


@pytest.mark.slow
def test_saved_weights_hold_what_was_trained_and_bring_the_rest_with_them() -> None:
    build = slots.model.parse(RANDOM).build()
    net = build(4)
    initialise(net, Streams(0))
    state = net.state_dict()
    assert sum(t.numel() for t in state.values()) == 370_950
    again = build(4)
    again.load_state_dict(state)
    x = torch.rand(1, 3, 16, 12)
    with torch.no_grad():
        assert torch.equal(net(x)[4], again(x)[4])


def test_without_open_clip_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "open_clip", None)
    with pytest.raises(WeightsMissing, match=r"pip install 'srbench\[clip\]'"):
        ClipImage("openai").load_pretrained()


@pytest.mark.slow
def test_the_embedding_is_open_clips_own(theirs: Any, file: Path) -> None:
    ours = ClipImage(str(file))
    ours.load_pretrained()
    x = torch.rand(2, 3, 224, 224)
    with torch.no_grad():
        assert torch.allclose(ours(x), theirs.encode_image((x - ours.mean) / ours.std), atol=1e-4)


@pytest.mark.slow
def test_the_preprocessing_of_a_square_image_is_clips(open_clip: Any) -> None:
    from PIL import Image

    pixels = torch.randint(0, 256, (3, 60, 60), generator=torch.Generator().manual_seed(0))
    photo = torch.nn.functional.interpolate(pixels[None].float(), scale_factor=8, mode="bilinear")
    photo = photo.round().clamp(0, 255).to(torch.uint8)  # (1, 3, 480, 480)
    wanted = open_clip.transform.image_transform(224, is_train=False)(
        Image.fromarray(photo[0].permute(1, 2, 0).numpy())
    )
    net, seen = ClipImage("none"), []
    net.visual.forward = lambda x: seen.append(x) or x  # type: ignore[method-assign,func-returns-value]
    net.loaded = True
    net(photo.float() / 255)
    # a grey level and a half, for PIL rounds after each of its two passes
    assert float((seen[0][0] - wanted).abs().max()) < 1.5 / 255 / 0.26


@pytest.mark.slow
def test_cosines_are_open_clips_own(theirs: Any, file: Path, open_clip: Any) -> None:
    texts, x = ["a cup of coffee", "the moon", "a page of text"], torch.rand(2, 3, 224, 224)
    ours = ClipImage(str(file))
    ours.load_pretrained()
    with torch.no_grad():
        found = cosines(ours(x), text_embeddings(texts, str(file)))
        image = theirs.encode_image((x - ours.mean) / ours.std, normalize=True)
        words = theirs.encode_text(open_clip.get_tokenizer("ViT-B-32")(texts), normalize=True)
    assert found.shape == (2, 3)
    assert torch.allclose(found, (image @ words.T).double(), atol=1e-5)


@pytest.mark.slow
def test_random_weights_are_the_same_every_time() -> None:
    def drawn() -> Tensor:
        net = VisionTransformer()
        draw(net, 32)
        return torch.cat([p.detach().flatten() for p in net.parameters()])

    assert torch.equal(drawn(), drawn())
