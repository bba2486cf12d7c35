"""From a study to what will be done: networks dry, images decoded, a fingerprint a variant."""
