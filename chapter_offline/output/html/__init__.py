"""A chapter as a page for readers. Knows the plan and the pieces, and nothing of models."""
