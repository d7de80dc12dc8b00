"""The verifiers as single files: nothing of one module hides what another one means."""

import ast
from collections import Counter

import pytest

from audit import standing_alone


@pytest.mark.parametrize("text", [standing_alone.trail(), standing_alone.text()])
def test_a_joined_file_names_nothing_twice_and_imports_nothing_of_ours(text: str) -> None:
    tree = ast.parse(text)
    names: Counter[str] = Counter()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names[node.name] += 1
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names.update(one.id for one in targets if isinstance(one, ast.Name))
    assert [name for name, count in names.items() if count > 1] == []
    assert "from audit" not in text
    assert ast.get_docstring(tree)
    assert text.count('if __name__ == "__main__":') == 1
