"""The settings under `train:`: typed and defaulted like the settings of any part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from srbench.core.registry import Choice, Positive, Range, Slot
from srbench.core.slots import Initialisation, Learning, Loss, Optimizer, Schedule
from srbench.train.initialisations import own
from srbench.train.learner import Supervised
from srbench.train.losses import l1
from srbench.train.optimizers import adam
from srbench.train.schedules import constant

training = Slot("train", "how a run is trained")


@training.register("train")
@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """Budget, loss, optimizer and schedule of one run.

    epochs       passes over `data.patches` patches
    batch        patches in a step; the last step of an epoch may have fewer
    loss         distance of SR from HR that training lowers
    optimizer    how gradients move weights, with its learning rate
    schedule     factor of the learning rate over training
    learner      what a step does: supervised, multi_scale, or adversarial with a second network
    initial      how initial weights are drawn
    clip         largest norm of the whole gradient; none leaves it alone
    validations  how many times PSNR and SSIM on `validate` are taken, evenly over the run
    until        epochs: to the end; converged: no longer than PSNR on `validate` rises
    tolerance    dB that PSNR on `validate` may still change, over a third of the way it has come,
                 for a run to be called converged

    A schedule is laid out over all epochs, also where a run may end before.

    Ours.
    """

    epochs: Positive = 300
    batch: Positive = 6
    loss: Loss = l1
    optimizer: Optimizer = adam
    schedule: Schedule = constant
    learner: Learning = Supervised
    initial: Initialisation = own
    clip: Annotated[float, Range(1e-9)] | None = None
    validations: Annotated[int, Range(0, 150)] = 10
    until: Literal["epochs", "converged"] = "epochs"
    tolerance: Annotated[float, Range(1e-6)] = 0.02

    def validation_epochs(self) -> frozenset[int]:
        """The epochs (from 1) after which `validate` is scored; the last one is among them."""
        n = min(self.validations, self.epochs)
        return frozenset(round(self.epochs * (k + 1) / n) for k in range(n))


def trained_scales(train: Choice, scale: int) -> tuple[int, ...]:
    """The scales that are trained at, rising: the study's, or those that the learner names."""
    named = dict(train["learner"].settings).get("scales", ())
    return tuple(sorted(set(named))) or (scale,)
