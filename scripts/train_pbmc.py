"""Train the packaged model `pbmc` again, and write its bundle, its held-out cells and the page with its figures.

Run it with `make train`. It is reproducible on one machine: everything drawn is seeded, and torch is pinned.
"""
