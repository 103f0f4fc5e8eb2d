"""The command line: the same as the functions, with errors of one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cellwidget.bundle import Bundle
from cellwidget.cli import main

from .geneformer_cases import case, hugging_face

TINY = Path(__file__).parents[1] / "data/sims/tiny.ckpt"


def test_converts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    words = ["convert", "sims", str(TINY), str(out), "--values", "log1p_10k", "--title", "Tiny", "--organism", "Homo"]
    assert main(words) == 0
    manifest = Bundle.load(out).manifest
    assert (manifest.title, manifest.organism, manifest.trained_on) == ("Tiny", "Homo", "log1p_10k")
    told = capsys.readouterr().out
    assert f"{out}: Tiny" in told and "24 genes (symbol), 10 classes" in told


def test_converts_geneformer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells, out = case(), tmp_path / "out"
    source = hugging_face(tmp_path / "in", cells, "V2", files={"gene_median_dictionary.pkl": None})
    medians = tmp_path / "medians.json"
    medians.write_text(json.dumps(cells.medians))
    words = ["convert", "geneformer", str(source), str(out), "--pooling", "mean", "--layer", "0", "--length", "99"]
    assert main([*words, "--title", "Tiny"]) == 1
    assert "medians=" in capsys.readouterr().err
    assert main([*words, "--title", "Tiny", "--medians", str(medians)]) == 0
    manifest = Bundle.load(out).manifest
    assert (manifest.title, manifest.organism, manifest.family) == ("Tiny", "Homo sapiens", "Geneformer")
    assert (manifest.source["pooling"], manifest.source["layer"], manifest.memory["tokens"]) == ("mean", "0", 99)
    assert "713 genes (Ensembl id), 0 classes" in capsys.readouterr().out


def test_errors_are_of_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", "sims", str(tmp_path / "none.ckpt"), str(tmp_path), "--values", "counts"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("cellwidget: ") and told.count("\n") == 1 and "none.ckpt" in told


def test_values_must_be_said_and_help_tells_what_they_mean(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["convert", "sims", "a.ckpt", "out"])
    assert "--values" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="0"):
        main(["convert", "sims", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert "raw counts" in told and "scaled to 10,000 a cell" in told and "Nothing of the model's files is run" in told


def test_is_a_module_too() -> None:
    told = subprocess.run([sys.executable, "-m", "cellwidget", "--version"], capture_output=True, text=True, check=True)
    assert told.stdout.startswith("cellwidget ")


def test_the_extra_is_named_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith(("cellwidget.convert.", "onnx."))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnx", None)  # what is None there cannot be imported
    assert main(["convert", "sims", str(TINY), str(tmp_path), "--values", "counts"]) == 1
    assert "pip install cellwidget[convert]" in capsys.readouterr().err
