"""`python -m cellwidget` is `cellwidget`."""

from cellwidget.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
