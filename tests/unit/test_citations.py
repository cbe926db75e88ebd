"""Every document that the repository's files cite is in the repository, and has the cited section."""

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[2]
# What a user's workspace is made of, and the workspaces: their readers have no other file of the repository.
FOR_WORKSPACES = re.compile(r"^(modules|templates)/|^examples/[^/]+/workspace/|^tests/golden/cases/[^/]+/workspace/")
NUMBER = r"\d+(?:\.\d+)*(?![\d-])"
DOCUMENT = re.compile(rf"(?P<path>(?:[\w.-]+/)*)(?P<name>[\w-]+\.md)\b(?P<numbers>(?:(?:,| and|, and)? {NUMBER})*)")
SECTION = re.compile(r'(?P<path>(?:[\w.-]+/)*)(?P<name>README|CONTRIBUTING|EVENTS)(?:\.md)?, "(?P<title>[^"]+)"')
# A document by another name than a file's: a fact by its number, a section of a design.
UNNAMED = re.compile(r"\b(?:[a-z]+-)?(?:facts?|reference|design|house-[a-z]+) (?:section |item )?\d+\b", re.IGNORECASE)
CITES = re.compile(r"\.md\b|README|CONTRIBUTING|fact|reference|design|house-", re.IGNORECASE)
LINK = re.compile(r"\[[^\]]*\]\((?![a-z]+:|#)([^)#\s]+)(?:#[^)]*)?\)")
HEADING = re.compile(r"^#+ (?:(?P<number>\d+(?:\.\d+)*)\.? )?(?P<title>.*)$", re.MULTILINE)


@cache
def tracked() -> dict[str, str]:
    """The text files that git tracks, by path: their content."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    found = {}
    for path in filter(None, listed.decode("utf-8", "surrogateescape").split("\0")):
        file = ROOT / path
        if file.is_file() and not file.is_symlink() and b"\0" not in (content := file.read_bytes()):
            found[path] = content.decode("utf-8", "replace")
    return found


def blocks(text: str) -> Iterator[str]:
    """The paragraphs, list items and comments of a text, each on one line."""
    for block in re.split(r"\n(?=\s*(?:\n|- |\|))", text):
        yield re.sub(r"\s*\n[ \t]*(?:#+|//|\*)?[ \t]*", " ", block)


def document(citing: str, path: str, name: str) -> str | None:
    """The tracked file that a citation means: beside the citing file or above it, in `generator/`, or the only one."""
    folders = [*PurePosixPath(citing).parents, PurePosixPath("generator")]
    for folder in folders:
        if (found := (folder / path / name).as_posix()) in tracked():
            return found
    same = [each for each in tracked() if each.endswith(f"/{name}") and not FOR_WORKSPACES.match(each)]
    return same[0] if not path and len(same) == 1 else None


def problems(citing: str, text: str) -> Iterator[str]:
    """What is wrong with the citations of a file."""
    for block in blocks(text) if CITES.search(text) else ():
        if "://" not in block:  # it says where its documents are
            yield from map(f"{citing}: {{}}".format, _in_block(citing, block))
    if citing.endswith(".md") and not FOR_WORKSPACES.match(citing):
        for target in LINK.findall(text):
            if not (ROOT / citing).parent.joinpath(target).exists():
                yield f"{citing}: the link to {target} leads nowhere"


def _in_block(citing: str, block: str) -> Iterator[str]:
    for found in UNNAMED.finditer(block):
        yield f"`{found[0]}` names no file"
    for found in DOCUMENT.finditer(block):
        numbers = re.findall(NUMBER, found["numbers"])
        cited = document(citing, found["path"], found["name"])
        if FOR_WORKSPACES.match(citing):
            if found["name"].upper() != "README" + ".MD" or numbers:
                yield f"a workspace has no {found['name']}"
        elif cited is None and (numbers or not any(_is_named(each, found["name"]) for each in tracked())):
            yield f"there is no {found['path']}{found['name']}"
        elif cited is not None:
            yield from (
                f"{cited} has no section {number}" for number in numbers if number not in _headings(cited, "number")
            )
    for found in SECTION.finditer(block):
        cited = document(citing, found["path"], f"{found['name']}.md")
        if cited is not None and found["title"] not in _headings(cited, "title"):
            yield f'{cited} has no section "{found["title"]}"'


def _is_named(path: str, name: str) -> bool:
    return PurePosixPath(path).name == name


@cache
def _headings(path: str, part: str) -> set[str]:
    return {found[part] for found in HEADING.finditer(tracked()[path]) if found[part]}


def test_citations_resolve() -> None:
    """Each cited document is tracked, and has the cited number or heading."""
    found = [problem for path, text in tracked().items() for problem in problems(path, text)]
    assert found == []


def test_facts_are_cited() -> None:
    """The check above sees the citations of code."""
    sources = [text for path, text in tracked().items() if path.endswith(".py") and ".md" in text]
    cited = [found for text in sources for block in blocks(text) for found in DOCUMENT.finditer(block)]
    assert sum(bool(found["numbers"]) for found in cited) > 80


def test_broken_citations_are_found() -> None:
    """What is wrong with a citation is said for every kind of it."""
    facts, form = "FACTS" + ".md", "FORMAT" + ".md"
    text = (
        f"{form} 1.4, 2.3: right\n\n{form} 1.4 and 9.9\n\n{facts}\n# 999\n\nazure/{facts} 1, 1000\n\n"
        f"see gone{'.'}md\n\nazure-{'facts'} 19\n\n"
        f'README, "No such section"\n\nREADME, "Settings"\n\n{form} 1.11, 2020-02-14\n'
    )
    assert list(problems("generator/azure/x.py", text)) == [
        f"generator/azure/x.py: generator/template/{form} has no section 9.9",
        f"generator/azure/x.py: generator/azure/{facts} has no section 999",
        f"generator/azure/x.py: generator/azure/{facts} has no section 1000",
        f"generator/azure/x.py: there is no gone{'.'}md",
        f"generator/azure/x.py: `azure-{'facts'} 19` names no file",
        'generator/azure/x.py: generator/README.md has no section "No such section"',
        'generator/azure/x.py: generator/README.md has no section "Settings"',
    ]
    assert list(problems("modules/azure/x/main.tf", f"# azure/{facts} 5, see README{'.'}md")) == [
        f"modules/azure/x/main.tf: a workspace has no {facts}"
    ]
    assert list(problems("tests/x.py", f"{facts} 5")) == [f"tests/x.py: there is no {facts}"]
    assert list(problems("x.md", "[a](generator) [b](nowhere.txt) [c](https://x.org)")) == [
        "x.md: the link to nowhere.txt leads nowhere"
    ]
