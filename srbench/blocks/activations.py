"""Activations: () -> module, any shape to the same shape."""

from __future__ import annotations

from torch import nn

from srbench.core.slots import activation


@activation.register("relu")
def relu() -> nn.Module:
    """max(x, 0).

    Nair, Hinton, Rectified linear units improve restricted Boltzmann machines, 2010.
    https://www.cs.toronto.edu/~fritz/absps/reluICML.pdf
    """
    return nn.ReLU(inplace=True)


@activation.register("leaky_relu")
def leaky_relu(*, slope: float = 0.1) -> nn.Module:
    """max(x, slope * x).

    slope  factor of negative values

    Maas et al., Rectifier nonlinearities improve neural network acoustic models, 2013.
    https://ai.stanford.edu/~amaas/papers/relu_hybrid_icml2013_final.pdf
    """
    return nn.LeakyReLU(slope, inplace=True)


@activation.register("prelu")
def prelu(*, slope: float = 0.25) -> nn.Module:
    """max(x, slope * x), the slope learnt, one for all channels.

    slope  factor of negative values before training

    He et al., Delving deep into rectifiers, 2015. https://arxiv.org/abs/1502.01852
    """
    return nn.PReLU(init=slope)


@activation.register("gelu")
def gelu() -> nn.Module:
    """x times the normal distribution function of x.

    Hendrycks, Gimpel, Gaussian error linear units, 2016. https://arxiv.org/abs/1606.08415
    """
    return nn.GELU()


@activation.register("swish")
def swish() -> nn.Module:
    """x times its sigmoid, also known as SiLU.

    Ramachandran et al., Searching for activation functions, 2017. https://arxiv.org/abs/1710.05941
    """
    return nn.SiLU(inplace=True)


@activation.register("tanh")
def tanh() -> nn.Module:
    """Hyperbolic tangent: bounded, from -1 to 1.

    LeCun et al., Efficient backprop, 1998. https://doi.org/10.1007/3-540-49430-8_2
    """
    return nn.Tanh()


@activation.register("none")
def none() -> nn.Module:
    """No activation. Ours."""
    return nn.Identity()
