"""The buttons that open a page where it runs, and the repository that they open."""

import subprocess

import pytest
from sphinx.errors import ExtensionError

import book_launch
from books import build, front_page, tiny_tree


def git(tree, *command):
    subprocess.run(["git", "-C", str(tree), *command], check=True, capture_output=True)


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A repository with one commit and no remote, and an environment that names none."""
    monkeypatch.delenv("REPO_URL", raising=False)
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    git(tmp_path, *identity, "commit", "--quiet", "--allow-empty", "--message=One")
    return tmp_path


@pytest.mark.parametrize(
    "remote",
    [
        *("https://github.com/me/shapes", "https://github.com/me/shapes.git"),
        *("https://me:secret@github.com/me/shapes.git/", "git@github.com:me/shapes.git"),
        *("ssh://git@github.com/me/shapes.git", "ssh://git@github.com:22/me/shapes"),
    ],
)
def test_repository_is_that_of_the_remote(clone, remote):
    git(clone, "remote", "add", "origin", remote)
    found = book_launch.repository(clone)
    assert found == book_launch.Repository("github.com", "me/shapes")
    assert found.url == "https://github.com/me/shapes"


def test_fork_and_branch_are_opened(clone):
    """What was cloned, not what it was forked from; the branch only if the fork has it."""
    git(clone, "remote", "add", "upstream", "https://github.com/they/shapes")
    git(clone, "remote", "add", "origin", "git@github.com:me/shapes.git")
    git(clone, "switch", "--quiet", "--create", "fix/typo")
    assert book_launch.repository(clone) == book_launch.Repository("github.com", "me/shapes")
    for remote in ("upstream", "origin"):
        git(clone, "update-ref", f"refs/remotes/{remote}/fix/typo", "HEAD")
        git(clone, "branch", "--quiet", f"--set-upstream-to={remote}/fix/typo")
        ref = {"upstream": "HEAD", "origin": "fix/typo"}[remote]
        found = book_launch.repository(clone)
        assert found == book_launch.Repository("github.com", "me/shapes", ref)
    assert found.binder("book/a.md") == (
        "https://mybinder.org/v2/gh/me/shapes/fix%2Ftypo?urlpath=lab/tree/book/a.md"
    )
    assert found.colab("notebooks/a.ipynb") == (
        "https://colab.research.google.com/github/me/shapes/blob/fix/typo/notebooks/a.ipynb"
    )


def test_colab_opens_the_branch_that_has_the_notebooks(monkeypatch) -> None:
    monkeypatch.setenv("NOTEBOOKS_BRANCH", "notebooks")
    assert book_launch.Repository("github.com", "me/shapes").colab("notebooks/a.ipynb") == (
        "https://colab.research.google.com/github/me/shapes/blob/notebooks/notebooks/a.ipynb"
    )


@pytest.mark.parametrize("remote", [None, "/srv/git/shapes", "../shapes", "file:///srv/shapes"])
def test_without_a_public_remote_there_is_no_repository(clone, remote):
    if remote is not None:
        git(clone, "remote", "add", "origin", remote)
    assert book_launch.repository(clone) is None


def test_repository_around_an_unpacked_copy_is_not_its_own(clone):
    git(clone, "remote", "add", "origin", "https://github.com/me/other")
    (clone / "shapes").mkdir()
    assert book_launch.repository(clone / "shapes") is None


def test_without_git_there_is_no_repository(clone, monkeypatch):
    git(clone, "remote", "add", "origin", "https://github.com/me/shapes")
    monkeypatch.setenv("PATH", str(clone))
    assert book_launch.repository(clone) is None


def test_given_repository_comes_first(clone, monkeypatch):
    git(clone, "remote", "add", "origin", "https://github.com/me/shapes")
    monkeypatch.setenv("REPO_URL", "https://gitlab.com/group/team/shapes.git")
    found = book_launch.repository(clone)
    assert found == book_launch.Repository("gitlab.com", "group/team/shapes")
    assert found.colab("notebooks/a.ipynb") is None, "Colab opens what is on GitHub only"
    assert found.binder("book/a.md") == (
        "https://mybinder.org/v2/git/https%3A%2F%2Fgitlab.com%2Fgroup%2Fteam%2Fshapes/HEAD"
        "?urlpath=lab/tree/book/a.md"
    )


@pytest.mark.parametrize(
    "given",
    ["shapes", "me/shapes", "github.com/me/shapes", "https://github.com/me", "https://x/y/z"],
)
def test_bad_repository_is_named(clone, monkeypatch, given):
    monkeypatch.setenv("REPO_URL", given)
    with pytest.raises(ExtensionError, match=rf"REPO_URL is '{given}'.*https://host/owner/name"):
        book_launch.repository(clone)


def launch_links(result):
    """Where the buttons of the front page lead; each has an icon that travels with the site."""
    page = front_page(result)
    links = page.select(".dropdown-launch-buttons a[href]")
    assert all((result.html / "book" / link.img["src"].split("?")[0]).exists() for link in links)
    return [link["href"] for link in links]


def test_buttons_open_the_pages_notebook(root, tmp_path):
    tree = tiny_tree(root, tmp_path, page="# Title\n\nText.\n")
    (tree / "notebooks").mkdir()
    (tree / "notebooks" / "index.ipynb").touch()
    given = build(tree, REPO_URL="https://github.com/me/shapes")
    assert given.code == 0, given.output[-3000:]
    assert launch_links(given) == [
        "https://colab.research.google.com/github/me/shapes/blob/HEAD/notebooks/index.ipynb",
        "https://mybinder.org/v2/gh/me/shapes/HEAD?urlpath=lab/tree/book/index.md",
    ]
    picture = "https://github.com/me/shapes/raw/HEAD/book/_static/views.png"
    assert front_page(given).select_one('meta[property="og:image"]')["content"] == picture
    assert launch_links(build(tree, "--all", REPO_URL="")) == []
    bad = build(tree, "--all", REPO_URL="shapes")
    assert bad.code != 0
    assert "REPO_URL is 'shapes'" in bad.output


def test_page_without_a_notebook_has_no_buttons(tiny_book):
    assert launch_links(tiny_book) == []
