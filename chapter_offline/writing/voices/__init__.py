"""Voices: how far a model writes. Each says what to ask of it, and what becomes of the answers."""
