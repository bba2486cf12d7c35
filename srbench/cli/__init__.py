"""The commands and what they print: each parses, calls and prints."""
