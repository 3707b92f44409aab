"""Proof-reading of what writers wrote: rendered for every brief, checked, compared. Knows no models."""
