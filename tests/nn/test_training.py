"""Models with our layers learn as those with PyTorch's do."""

import pytest
import torch

from tconv import nn

torch.set_num_threads(1)


def auto_encoder(transposed):
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 4, stride=2, padding=1),
        torch.nn.ReLU(),
        torch.nn.Conv2d(8, 16, 3, stride=2, padding=1),
        torch.nn.BatchNorm2d(16),
        torch.nn.ReLU(),
        transposed(16, 8, 3, stride=2, padding=1, output_padding=1),
        torch.nn.ReLU(),
        transposed(8, 8, 4, stride=2, padding=1, groups=2),
        torch.nn.ReLU(),
        transposed(8, 3, 3, padding=1),
        torch.nn.Sigmoid(),
    )


def losses(transposed, optimizer, steps=20, last=False, dtype=torch.float32, **words):
    """Return the loss of every step, and of the model in eval mode in between."""
    model = auto_encoder(transposed).to(dtype)
    coarse = torch.rand(4, 3, 3, 4, generator=torch.Generator().manual_seed(1))
    images = torch.nn.functional.interpolate(coarse, (16, 20), mode="bilinear").to(dtype)
    if last:
        model = model.to(memory_format=torch.channels_last)
        images = images.to(memory_format=torch.channels_last)
    optimizer = optimizer(model.parameters(), **words)
    met = []
    for step in range(steps):
        optimizer.zero_grad(set_to_none=step % 2 == 0)
        loss = (model.train()(images) - images).square().mean()
        loss.backward()
        optimizer.step()
        met.append(loss.item())
        with torch.no_grad():
            for _ in range(3):  # so that packed weights are kept, of this step
                y = model.eval()(images)
            met.append((y - images).square().mean().item())
    return met


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize(
    ("optimizer", "dtype", "words"),
    [
        (torch.optim.SGD, torch.float32, {"lr": 0.5, "momentum": 0.9}),
        (torch.optim.Adam, torch.float64, {"lr": 3e-3, "fused": True}),
    ],
)
def test_an_auto_encoder_loses_as_pytorchs_does(optimizer, dtype, words, last):
    """Adam divides gradients by their size, so that in float32 it makes much of rounding."""
    ours, theirs = (
        losses(kind, optimizer, last=last, dtype=dtype, **words)
        for kind in (nn.ConvTranspose2d, torch.nn.ConvTranspose2d)
    )
    assert ours == pytest.approx(theirs, rel=1e-4 if dtype == torch.float32 else 1e-8)
    assert ours[-1] < ours[1] < ours[0]


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
def test_a_compiled_step_loses_the_same():
    expected = losses(nn.ConvTranspose2d, torch.optim.SGD, steps=3, lr=0.5)

    def compiled(*arguments, **words):
        return torch.compile(nn.ConvTranspose2d(*arguments, **words), backend="aot_eager")

    torch.compiler.reset()
    assert losses(compiled, torch.optim.SGD, steps=3, lr=0.5) == pytest.approx(expected, rel=1e-5)
    torch.compiler.reset()
