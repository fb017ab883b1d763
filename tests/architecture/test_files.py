import ast

from tests.architecture import house

MOST_LINES_IN_A_FILE = 400
MOST_LINES_IN_A_FUNCTION = 60
SAYS_NOTHING = {"utils.py", "helpers.py", "util.py", "helper.py"}


def test_every_file_is_named_after_its_subject():
    assert [house.name(path) for path in house.all_files() if path.name in SAYS_NOTHING] == []


def test_no_file_holds_two_subjects():
    lengths = {house.name(path): len(path.read_text().splitlines()) for path in house.all_files()}
    assert {path: lines for path, lines in lengths.items() if lines > MOST_LINES_IN_A_FILE} == {}


def test_no_function_takes_two_steps():
    lengths = {
        f"{house.name(path)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in house.all_files()
        for node in ast.walk(house.tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {function: lines for function, lines in lengths.items() if lines > MOST_LINES_IN_A_FUNCTION} == {}
