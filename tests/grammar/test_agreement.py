"""The full grammar's trees, held against CPython's own: the same constructs, as often, in real files."""

import ast
import sysconfig
import warnings
from collections import Counter
from pathlib import Path

import pytest

from circuit.compiler.parser import parse_module
from circuit.compiler.source import Source
from circuit.compiler.trees import Tree

LIBRARY = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[::8]
FIXTURES = Path(__file__).with_name("fixtures")
PLAIN = [FIXTURES / name for name in ("statements.cpy", "expressions.cpy", "match.cpy", "layout.cpy")]

NAMES = {
    ast.Call: ("call",),
    ast.Subscript: ("subscript",),
    ast.Lambda: ("lambda",),
    ast.IfExp: ("conditional",),
    ast.ListComp: ("list_comprehension",),
    ast.SetComp: ("set_comprehension",),
    ast.DictComp: ("dict_comprehension",),
    ast.GeneratorExp: ("generator", "generator_argument"),
    ast.comprehension: ("comprehension_for",),
    ast.Await: ("await",),
    ast.NamedExpr: ("walrus",),
    ast.Compare: ("comparison",),
    ast.BoolOp: ("disjunction", "conjunction"),
    ast.Not: ("inversion",),
    ast.List: ("list",),
    ast.Dict: ("dict",),
    ast.Set: ("set",),
    ast.FormattedValue: ("fstring_field",),
    ast.Assign: ("assignment",),
    ast.AnnAssign: ("annotated_assignment",),
    ast.AugAssign: ("augmented_assignment",),
    ast.If: ("if_statement", "elif_clause"),
    ast.While: ("while_statement",),
    ast.withitem: ("with_item",),
    ast.ExceptHandler: ("except_clause", "except_star_clause"),
    ast.ClassDef: ("class_def",),
    ast.Import: ("import_name",),
    ast.ImportFrom: ("import_from",),
    ast.Return: ("return_statement",),
    ast.Raise: ("raise_statement",),
    ast.Match: ("match_statement",),
    ast.match_case: ("case_block",),
    ast.MatchSequence: ("sequence_pattern", "open_sequence_pattern"),
    ast.MatchMapping: ("mapping_pattern",),
    ast.MatchClass: ("class_pattern",),
    ast.MatchOr: ("or_pattern",),
}


@pytest.mark.parametrize("path", [*PLAIN, *LIBRARY], ids=lambda path: path.name)
def test_the_tree_has_the_constructs_of_the_ast(path: Path) -> None:
    data = path.read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nodes = Counter(type(node) for node in ast.walk(ast.parse(data)))
    trees = Counter(
        child.rule for child in parse_module(Source.decode(data, str(path))).walk() if isinstance(child, Tree)
    )
    expected = {kind.__name__: nodes[kind] for kind in NAMES}
    found = {kind.__name__: sum(trees[name] for name in names) for kind, names in NAMES.items()}
    assert found == expected
