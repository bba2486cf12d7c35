"""Optimizers: (parameters) -> torch optimizer. The learning rate is what the schedule scales."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import torch
from torch import nn, optim

from srbench.core.registry import Range
from srbench.core.slots import optimizer

Rate = Annotated[float, Range(0.0)]
Beta = Annotated[float, Range(0.0, 0.999999)]


@optimizer.register("adam")
def adam(
    parameters: Iterable[nn.Parameter],
    *,
    lr: Rate = 1e-4,
    beta1: Beta = 0.9,
    beta2: Beta = 0.999,
    weight_decay: Rate = 0.0,
    amsgrad: bool = False,
) -> optim.Optimizer:
    """Adam, or AMSGrad; weight decay is added to the gradient.

    lr            learning rate
    beta1, beta2  decay of the averages of the gradient and of its square
    weight_decay  times the weights, added to the gradient
    amsgrad       the largest average of the square so far, in place of the last

    Kingma, Ba, Adam, 2015. https://arxiv.org/abs/1412.6980; Reddi et al., On the convergence of
    Adam and beyond, 2018. https://arxiv.org/abs/1904.09237
    """
    return optim.Adam(
        parameters,
        lr,
        betas=(beta1, beta2),
        weight_decay=weight_decay,
        amsgrad=amsgrad,
        fused=True,  # one kernel for all weights, on CUDA and the CPU
    )


@optimizer.register("adamw")
def adamw(
    parameters: Iterable[nn.Parameter],
    *,
    lr: Rate = 1e-4,
    beta1: Beta = 0.9,
    beta2: Beta = 0.999,
    weight_decay: Rate = 1e-2,
    amsgrad: bool = False,
) -> optim.Optimizer:
    """Adam with weight decay apart from the gradient.

    lr            learning rate
    beta1, beta2  decay of the averages of the gradient and of its square
    weight_decay  share of the weights, times lr, subtracted at each step
    amsgrad       the largest average of the square so far, in place of the last

    Loshchilov, Hutter, Decoupled weight decay regularization, 2019.
    https://arxiv.org/abs/1711.05101
    """
    return optim.AdamW(
        parameters,
        lr,
        betas=(beta1, beta2),
        weight_decay=weight_decay,
        amsgrad=amsgrad,
        fused=True,  # one kernel for all weights, on CUDA and the CPU
    )


@optimizer.register("sgd")
def sgd(
    parameters: Iterable[nn.Parameter],
    *,
    lr: Rate = 1e-2,
    momentum: Beta = 0.9,
    weight_decay: Rate = 0.0,
    nesterov: bool = False,
) -> optim.Optimizer:
    """Stochastic gradient descent with momentum.

    lr            learning rate
    momentum      share of the last update that is added to the next
    weight_decay  times the weights, added to the gradient
    nesterov      the gradient after the momentum's part of the step

    Sutskever et al., On the importance of initialization and momentum in deep learning, 2013.
    https://proceedings.mlr.press/v28/sutskever13.html
    """
    made = optim.SGD(
        parameters, lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov, fused=True
    )
    if momentum:  # torch makes a buffer with the first gradient, and fails where some have none yet
        for parameter in made.param_groups[0]["params"]:
            made.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    return made
