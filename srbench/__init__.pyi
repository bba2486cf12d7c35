"""The public names, for type checkers and editors; tests/core/test_public.py compares them."""

from srbench.analysis.compare import StudyComparison as StudyComparison
from srbench.apply.api import scores as scores
from srbench.apply.api import upscale as upscale
from srbench.apply.scored import Scored as Scored
from srbench.core import document as document
from srbench.core import slots as slots
from srbench.core.errors import UserError as UserError
from srbench.core.fused import equal_convolution as equal_convolution
from srbench.core.part_facts import LearnerFacts as LearnerFacts
from srbench.core.part_facts import MetricFacts as MetricFacts
from srbench.core.registry import Positive as Positive
from srbench.core.registry import Range as Range
from srbench.core.slots import activation as activation
from srbench.core.slots import attention as attention
from srbench.core.slots import augmentation as augmentation
from srbench.core.slots import convolution as convolution
from srbench.core.slots import dataset as dataset
from srbench.core.slots import degradation as degradation
from srbench.core.slots import discriminator as discriminator
from srbench.core.slots import features as features
from srbench.core.slots import fuse as fuse
from srbench.core.slots import initialisation as initialisation
from srbench.core.slots import learner as learner
from srbench.core.slots import loss as loss
from srbench.core.slots import metric as metric
from srbench.core.slots import model as model
from srbench.core.slots import normalisation as normalisation
from srbench.core.slots import optimizer as optimizer
from srbench.core.slots import schedule as schedule
from srbench.core.slots import skip as skip
from srbench.core.slots import unit as unit
from srbench.core.slots import upsampler as upsampler
from srbench.report.findings import Findings as Findings
from srbench.run.api import compare as compare
from srbench.run.api import new as new
from srbench.run.api import plan as plan
from srbench.run.api import read as read
from srbench.run.api import report as report
from srbench.run.api import results as results
from srbench.run.api import run as run
from srbench.run.estimate import Forecast as Forecast
from srbench.run.request import RunProgress as RunProgress
from srbench.study.read import Study as Study

__version__: str
HOMES: dict[str, tuple[str, ...]]
__all__: list[str]
