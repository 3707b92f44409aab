"""The catalog: which models exist, and how a verified file of one comes onto this disk.

`pins` says which there are, `pull` brings one (from the `hub`, or out of packages by `mirror`)
into the `store`, `choose` turns what a person asked for into a checked file, with what its `header`
says and whether it `fit`s. Knows nothing of how a model is run, or of chapters; shows nothing.
"""
