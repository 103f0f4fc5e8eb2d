"""Matching genes: names, id types, columns, thresholds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwidget.genes import InputError, fold, id_type_of, match_genes

SYMBOLS = ["CD3D", "MS4A1", "NKG7", "C1orf56", "HLA-DRA", "AC004556.1"]
IDS = [f"ENSG{number:011d}" for number in range(6)]


def var(index, **columns):
    return pd.DataFrame(columns, index=pd.Index(index, dtype=object))


def test_id_type_is_told_by_the_list():
    assert id_type_of(SYMBOLS) == "symbol"
    assert id_type_of(IDS) == "Ensembl id"
    assert id_type_of([*IDS, "MT-CO1"]) == "Ensembl id"


def test_fold_drops_versions_of_ids_but_not_of_clone_names():
    assert fold("ENSG00000000003.15") == "ENSG00000000003"
    assert fold("ensmusg00000000001.4") == "ENSMUSG00000000001"
    assert fold("AC004556.1") == "AC004556.1"
    assert fold("ENSG00000182378.14_PAR_Y") == "ENSG00000182378_PAR_Y"
    assert fold(" cd3d ") == "CD3D"


def test_positions_follow_the_columns():
    match = match_genes(SYMBOLS, var(["NKG7", "unknown", "cd3d"]))
    assert match.positions.tolist() == [2, -1, 0]
    assert match.positions.dtype == np.int32
    assert (match.matched, match.duplicates, match.ids_in) == (2, 0, "var_names")


def test_an_exact_name_goes_before_a_folded_one():
    match = match_genes(["abc", "ABC"], var(["ABC", "abc", "Abc"]))
    assert match.positions.tolist() == [1, 0, 0]
    assert match.duplicates == 1


@pytest.mark.parametrize("dtype", [object, "category", "string"])
def test_the_column_that_matches_best_is_used(dtype):
    table = var(SYMBOLS, feature=pd.Series(["gene"] * 6, index=SYMBOLS, dtype=dtype))
    table["gene_ids"] = pd.Series([f"{name}.3" for name in IDS], index=SYMBOLS, dtype=dtype)
    match = match_genes(IDS, table)
    assert match.ids_in == "var['gene_ids']"
    assert match.id_type == "Ensembl id"
    assert match.positions.tolist() == list(range(6))


def test_var_names_win_a_tie():
    assert match_genes(SYMBOLS, var(SYMBOLS, name=SYMBOLS)).ids_in == "var_names"


def test_missing_names_and_numbers_are_no_genes():
    table = var(range(3), name=["CD3D", None, float("nan")], length=[1, 2, 3])
    assert match_genes(SYMBOLS, table).positions.tolist() == [0, -1, -1]


def test_two_columns_of_one_name_are_both_looked_at():
    table = pd.DataFrame([["x", "CD3D"], ["y", "NKG7"]], columns=["name", "name"])
    assert match_genes(SYMBOLS, table).matched == 2


def test_no_shared_gene_names_what_was_expected_and_found():
    with pytest.raises(InputError) as error:
        match_genes(SYMBOLS, var(IDS, kind=["gene"] * 6), matrix="raw.X")
    text = str(error.value)
    assert "None of the model's 6 genes" in text and "raw.X" in text
    assert all(repr(name) in text for name in ("CD3D", "NKG7", "HLA-DRA", IDS[0], IDS[2], IDS[4]))
    assert "var['kind']" in text and "adata.var_names" in text


def test_the_threshold_is_a_tenth_of_the_model_but_lets_panels_pass():
    names = [f"G{number}" for number in range(20_000)]
    assert match_genes(names, var(names[:200])).matched == 200
    with pytest.raises(InputError, match=r"Only 199 of the model's 20,000 genes .* at least 200 are needed"):
        match_genes(names, var(names[:199]))
    with pytest.raises(InputError, match=r"Only 9 of the model's 100 genes .* at least 10 are needed"):
        match_genes(names[:100], var(names[:9]))


def test_the_caller_may_ask_for_more_or_less():
    assert match_genes(SYMBOLS, var(["CD3D"]), min_matched=0).matched == 1
    with pytest.raises(InputError, match="at least 4 are needed"):
        match_genes(SYMBOLS, var(SYMBOLS[:3]), min_matched=0.6)


def test_notes_tell_of_few_genes_and_of_another_organism():
    names = [f"Gene{number}" for number in range(10)]
    few = match_genes(names, var(names[:4]))
    assert few.notes == ["Only 40 % of the model's genes are in the data: labels may be unreliable."]
    other = match_genes([name.upper() for name in names], var(names))
    assert len(other.notes) == 1 and "organism" in other.notes[0]
    assert match_genes(names, var(names)).notes == []


def test_the_models_words_for_its_ids_are_taken():
    assert match_genes(SYMBOLS, var(SYMBOLS), id_type="ensembl_id").id_type == "Ensembl id"
    assert match_genes(SYMBOLS, var(SYMBOLS), id_type="hgnc").id_type == "symbol"


def test_other_names_that_a_model_knows_are_matched_and_told():
    other = {"CD3E": 0, "ENSG00000999999": 1, IDS[2].lower(): 3}
    match = match_genes(IDS, var(["CD3E", "ensg00000999999.2", IDS[2], "cd3e"]), aliases=other, min_matched=0)
    assert match.positions.tolist() == [0, 1, 2, -1]
    assert f"2 columns have other names than the model's Ensembl ids, such as 'CD3E' for '{IDS[0]}'" in match.notes[-1]


def test_names_of_the_models_kind_go_before_others():
    table = var(["CD3E", "CD4"]).assign(ids=[IDS[0], IDS[1]])
    match = match_genes(IDS, table, aliases={"CD3E": 2, "CD4": 3}, min_matched=0)
    assert match.ids_in == "var['ids']" and match.positions.tolist() == [0, 1]


@given(
    st.permutations(range(6)),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 99), st.booleans()), min_size=1, max_size=20),
)
def test_versions_case_and_order_do_not_matter(order, columns):
    genes = [IDS[place] for place in order]
    names = [(IDS[gene].lower() if lower else IDS[gene]) + f".{version}" for gene, version, lower in columns]
    match = match_genes(genes, var(names))
    assert [genes[position] for position in match.positions] == [IDS[gene] for gene, _, _ in columns]
    assert match.duplicates == len(columns) - match.matched
