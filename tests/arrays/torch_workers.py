"""What other processes and threads run; a process that is spawned imports it from here."""

import torch

import tconv
from tconv import nn


def layer(seed=0):
    torch.manual_seed(seed)
    return nn.ConvTranspose2d(8, 6, 4, stride=2, padding=1).eval()


def image(index, size=24):
    return torch.randn(1, 8, size, size, generator=torch.Generator().manual_seed(index))


class Images(torch.utils.data.Dataset):
    """Each is a layer's result, computed in the worker."""

    def __init__(self):
        self.layer = layer()

    def __len__(self):
        return 6

    def __getitem__(self, index):
        with torch.no_grad():
            for _ in range(3):
                y = self.layer(image(index))
        return y[0], torch.get_num_threads(), tconv.engine.native.get_num_threads()


def infer(answers):
    """Send what a layer gives; nothing else is computed."""
    with torch.no_grad():
        made = [layer()(image(0, 64)).numpy().tobytes() for _ in range(3)]
    answers.put(made)


def train(answers):
    """Send what a layer gives before and after a step, with two threads of PyTorch's."""
    torch.set_num_threads(2)
    model = layer()
    with torch.no_grad():
        before = model(image(0, 64))
    model(image(0, 64)).square().mean().backward()
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    with torch.no_grad():
        after = model(image(0, 64))
    answers.put((before.numpy().tobytes(), (after - before).abs().max().item()))
