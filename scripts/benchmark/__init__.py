"""The parts of `scripts/bench`: one job, several ways of doing it, each in a process of its own."""
