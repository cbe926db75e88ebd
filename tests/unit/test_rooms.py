"""The rooms of generator/ stand on each other: nothing imports upward, and there is no circle (generator/README.md)."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# From the bottom to the top. Modules of their own at the top of the package are rooms of one.
ROOMS = ("errors", "resources", "system", "settings", "template", "workspace", "builder", "azure", "local", "cli")
NEVER = {("local", "azure"), ("azure", "local")}  # they stand side by side


def modules() -> dict[str, ast.Module]:
    """Every module of the package, by its dotted name."""
    found = {}
    for path in sorted((ROOT / "generator").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = ast.parse(path.read_text())
    return found


MODULES = modules()


def imports(name: str, nodes: Iterator[ast.AST]) -> set[str]:
    """The modules of the package that these statements import."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{one.name}" for one in node.names} & MODULES.keys() or {node.module}
        elif isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
    return {one for one in found if one in MODULES} - {name, "generator"}


def at_the_top(module: ast.Module) -> Iterator[ast.AST]:
    """The statements that run when a module is imported; what is for type checkers only is not among them."""
    waiting: list[ast.AST] = list(module.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and "TYPE_CHECKING" not in ast.unparse(
            getattr(node, "test", ast.Pass())
        ):
            waiting += ast.iter_child_nodes(node)


def room(name: str) -> str:
    """The room of a module; "" for the package itself and its entry."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 and parts[1] != "__main__" else ""


def upward(name: str, wanted: set[str]) -> list[str]:
    """What is wrong with a module's imports."""
    here = room(name)
    return [
        f"{name} imports {one}"
        for one in sorted(wanted)
        if ROOMS.index(room(one)) > ROOMS.index(here) or (here, room(one)) in NEVER
    ]


def test_every_module_is_in_a_room() -> None:
    assert {room(name) for name in MODULES} - {""} == set(ROOMS)


@pytest.mark.parametrize("name", [name for name in MODULES if room(name)])
def test_nothing_imports_upward(name: str) -> None:
    """Neither at the top of a module nor within a function."""
    assert upward(name, imports(name, ast.walk(MODULES[name]))) == []


def test_no_circle() -> None:
    graph = {name: imports(name, at_the_top(module)) for name, module in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_the_check_sees_what_it_should() -> None:
    late = ast.parse("def f():\n    from generator.cli import app\n")
    assert upward("generator.azure.vhd", imports("generator.azure.vhd", ast.walk(late))) == [
        "generator.azure.vhd imports generator.cli.app"
    ]
    beside = ast.parse("import generator.local.boot")
    assert upward("generator.azure.vhd", imports("generator.azure.vhd", ast.walk(beside)))
