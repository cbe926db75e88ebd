"""The PowerShell that runs in Windows machines: there is none here, but there is a grammar of it."""

import re
from pathlib import Path
from typing import Any

import pytest

MODULES = Path(__file__).parents[2] / "modules/azure"
# Image Builder's own text is not ours to write otherwise; the grammar does not know `$Env:SystemRoot\\file` unquoted.
SCRIPTS = sorted(path for path in MODULES.rglob("*.ps1*") if path.name != "DeprovisioningScript.ps1")

tree_sitter = pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")
grammar = pytest.importorskip("tree_sitter_powershell", reason="tree-sitter-powershell is not installed")


def mistakes(text: str) -> list[str]:
    """The parts of a script that the grammar does not understand."""
    parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
    found: list[str] = []
    nodes: list[Any] = [parser.parse(text.encode()).root_node]
    while nodes:
        node = nodes.pop()
        if node.type == "ERROR" or node.is_missing:
            found.append(f"line {node.start_point[0] + 1}: {node.text!r}")
        nodes += node.children
    return found


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_it_is_powershell(path: Path) -> None:
    rendered = re.sub(r"(?<!\$)\${\w+}", "0", path.read_text())
    assert mistakes(rendered) == []


@pytest.mark.parametrize("text", ["if ($a {", "foreach ($x in @(1) { }", "'open"])
def test_the_grammar_sees_mistakes(text: str) -> None:
    assert mistakes(text)
