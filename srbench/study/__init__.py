"""From a study file to a plan: the question, its variants, and the runs that answer it."""
