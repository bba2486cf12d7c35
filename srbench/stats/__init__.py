"""From numbers of runs to numbers one may quote: arrays in, frozen values out."""
