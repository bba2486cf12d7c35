"""BasicSR 1.4.2's training loop, step by step, for `peers.py`: its dataset, loader, sampler, model.

The order of calls is that of its `train_pipeline`; what is left out writes logs and checkpoints.
It imports a module that torchvision has removed, which is put back first.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from typing import Any

import torch
import torchvision.transforms.functional as transforms
from torch import nn

_REMOVED = "torchvision.transforms.functional_tensor"


def _imported() -> None:
    if _REMOVED not in sys.modules:
        module: Any = types.ModuleType(_REMOVED)
        module.rgb_to_grayscale = transforms.rgb_to_grayscale
        sys.modules[_REMOVED] = module


def loop(work: Any, workers: int, enlarge: int) -> Iterator[nn.Module]:
    """Train on the PNG files of the pool; yields before the first step and after each."""
    _imported()
    from basicsr.data import build_dataloader, build_dataset
    from basicsr.data.data_sampler import EnlargedSampler
    from basicsr.data.prefetch_dataloader import CPUPrefetcher
    from basicsr.models import build_model
    from basicsr.utils.registry import ARCH_REGISTRY

    net = work.net()
    if "SameNetwork" not in ARCH_REGISTRY:

        def SameNetwork() -> nn.Module:  # noqa: N802, a network is registered by its class name
            return net

        ARCH_REGISTRY.register(SameNetwork)
    torch.backends.cudnn.benchmark = True
    side = int(work.hr.shape[1])
    data = {
        "name": "pool", "type": "PairedImageDataset", "phase": "train", "scale": 2,
        "dataroot_gt": str(work.folder / "hr"), "dataroot_lq": str(work.folder / "lr"),
        "io_backend": {"type": "disk"}, "gt_size": side, "use_hflip": False, "use_rot": False,
        "use_shuffle": True, "num_worker_per_gpu": workers, "batch_size_per_gpu": work.batch,
        "dataset_enlarge_ratio": enlarge, "prefetch_mode": None,
    }  # fmt: skip
    option = {
        "name": "peer", "model_type": "SRModel", "scale": 2, "manual_seed": 0, "is_train": True,
        "num_gpu": int(work.device.type == "cuda"), "dist": False, "rank": 0, "world_size": 1,
        "network_g": {"type": "SameNetwork"},
        "path": {"pretrain_network_g": None, "strict_load_g": True, "resume_state": None},
        "train": {
            "ema_decay": 0,
            "optim_g": {"type": "Adam", "lr": work.rate, "weight_decay": 0, "betas": [0.9, 0.999]},
            "scheduler": {"type": "MultiStepLR", "milestones": [10**9], "gamma": 0.5},
            "total_iter": 10**9,
            "pixel_opt": {"type": "L1Loss", "loss_weight": 1.0, "reduction": "mean"},
        },
    }  # fmt: skip
    dataset = build_dataset(data)
    sampler = EnlargedSampler(dataset, 1, 0, enlarge)
    loader = build_dataloader(
        dataset, data, num_gpu=option["num_gpu"], dist=False, sampler=sampler, seed=0
    )
    model = build_model(option)
    prefetcher = CPUPrefetcher(loader)
    yield net
    step = epoch = 0
    while True:
        sampler.set_epoch(epoch)
        prefetcher.reset()
        found = prefetcher.next()
        while found is not None:
            step += 1
            model.update_learning_rate(step, warmup_iter=-1)
            model.feed_data(found)
            model.optimize_parameters(step)
            yield net
            found = prefetcher.next()
        epoch += 1
