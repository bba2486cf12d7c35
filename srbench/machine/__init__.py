"""The machine that runs are made on: its devices, who has them, its threads, its versions."""
