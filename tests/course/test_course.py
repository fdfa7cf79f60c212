"""What importing the course, or loading it into a page's kernel, does to the library."""

import importlib

from replearn import course, recipes
from replearn.figures import style, widgets


def test_the_environment_names_the_default_recipe(monkeypatch):
    monkeypatch.setattr(recipes, "_chosen", "fast")
    for given, then in (("reference", "reference"), ("", "reference"), ("smoke", "smoke")):
        monkeypatch.setenv("REPLEARN_RECIPE", given)
        importlib.reload(course)
        assert recipes.default_recipe() == then
    monkeypatch.delenv("REPLEARN_RECIPE")
    importlib.reload(course)
    assert recipes.default_recipe() == "smoke"


def test_the_kernel_of_a_page_says_that_it_will_be_gone(monkeypatch):
    monkeypatch.setattr(widgets, "HAS_KERNEL", True)
    monkeypatch.setattr(style, "DRAWS_TWICE", False)
    course.load_ipython_extension(None)
    assert not widgets.HAS_KERNEL
    assert style.DRAWS_TWICE
