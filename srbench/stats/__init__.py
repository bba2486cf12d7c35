"""From numbers of runs to numbers one may quote: arrays in, frozen values out.

    verdicts.verdicts(differences, min_effect, better="higher", reasons=None) -> Verdicts

judges all contrasts of a study: differences (contrasts, seeds), variant - baseline, NaN where a
pair is missing. Beside it: `looks` (seeds until decided), `power` (noise floor, detectable effect,
seeds needed), `convergence` and `agreement` (of rankings), `effects` and `curves` (intervals).
"""
