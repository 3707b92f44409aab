"""A person's own documents: read for their statements, and these placed in sections."""
