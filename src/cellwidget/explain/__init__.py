"""Why: the genes behind labels, asked of a model while it runs and after."""

from cellwidget.explain.answers import explanation, frame
from cellwidget.explain.explainer import OCCLUSION, Explainer
from cellwidget.explain.questions import Cancelled, Questions

__all__ = ["OCCLUSION", "Cancelled", "Explainer", "Questions", "explanation", "frame"]
