"""What every room stands on: parts and their slots, documents, files, devices, weights, tables."""
