from handbook.catalog import load_catalog
from handbook.checks import run_all


def test_minimal_handbook_has_no_problem(project):
    assert run_all(load_catalog(project)) == []
