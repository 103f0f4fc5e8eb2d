"""From weights to bundles. Needs the extra `convert`."""
