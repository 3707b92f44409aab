"""Many chapters: a list of systems, models and GPUs shared among them, other machines, a report."""
