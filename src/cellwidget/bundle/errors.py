"""What is said of a bundle that is not what it should be."""

AGAIN = "Get the bundle again, or convert it again with this version of cellwidget."


class BundleError(ValueError):
    """A bundle is not what it should be; the message names the file and the remedy."""
