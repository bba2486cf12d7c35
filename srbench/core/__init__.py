"""What every room imports: parts and their slots, documents, files, devices, weights, tables."""
