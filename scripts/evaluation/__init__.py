"""What `scripts/evaluate` measures: decisions about traits, and whole chapters beside plain prompting."""
