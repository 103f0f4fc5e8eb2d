"""How the packaged model `pbmc` is made: `scripts/train_pbmc.py` puts the pieces together."""
