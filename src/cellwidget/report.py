"""The input report in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cellwidget.messages import InputReport

TRAINED_ON = {
    "counts": "raw counts",
    "log1p_10k": "log1p of counts per 10,000",
    "as_is": "values as they were handed to it",
}


class Report:
    """What a model found in the data; prints as a table.

    Parameters
    ----------
    title
        The model's.
    facts
        What was found.
    """

    def __init__(self, title: str, facts: InputReport) -> None:
        self.title = title
        self.facts = facts

    def __str__(self) -> str:
        facts = self.facts
        share = 100 * facts["genes_matched"] / max(1, facts["genes_model"])
        lines = [
            ("cells", f"{facts['cells']:,}, {facts['empty_cells']:,} of them empty"),
            ("read from", f"{facts['matrix']} ({facts['values']})"),
            ("genes", f"{facts['genes_matched']:,} of the model's {facts['genes_model']:,} ({share:.0f} %)"),
            ("matched by", f"{facts['id_type']}, in {facts['ids_in']} ({facts['genes_data']:,} genes)"),
        ]
        if facts["trained_on"]:
            lines.insert(2, ("trained on", TRAINED_ON[facts["trained_on"]]))
        if facts["duplicates_summed"]:
            lines.append(("duplicates", f"{facts['duplicates_summed']:,} columns summed into others"))
        if facts["total"] is not None:
            lines.append(("totals over", facts["total"]))
        lines += [("note", note) for note in facts["notes"]]
        width = max(len(name) for name, _ in lines)
        return "\n".join([self.title, *(f"  {name:<{width}}  {text}" for name, text in lines)])

    def __repr__(self) -> str:
        # short, since `check` as the last line of a notebook's cell has printed it all already
        return f"<Report: {self.facts['genes_matched']:,} of {self.facts['genes_model']:,} genes>"
