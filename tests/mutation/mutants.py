"""Small faults put into the functions of a file: mutmut's, and a few that it lacks."""

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators, operator_arg_removal, operator_string


@dataclass(frozen=True, slots=True)
class Mutant:
    """A file with one fault. `lines`: first and last of the statement that was changed."""

    path: str
    function: str
    lines: tuple[int, int]
    source: str
    before: str
    after: str


# The function, the lines of the statement, what stands there and what is put there.
Place = tuple[str, tuple[int, int], cst.CSTNode, cst.CSTNode]


def _marked(node: cst.BaseString) -> list[cst.CSTNode]:
    # A string in other letters is the same fault once more.
    return list(operator_string(node))[:1]


def _other_arguments(node: cst.Call) -> list[cst.CSTNode]:
    words = {index for index, given in enumerate(node.args) if _is_words(given.value)}
    return [
        changed
        for changed in operator_arg_removal(node)
        if not words & {index for index, given in enumerate(node.args) if given not in changed.args}
    ]


def _without_call(node: cst.Expr) -> list[cst.CSTNode]:
    return [cst.Pass()] if isinstance(node.value, cst.Call) else []


def _without_raise(node: cst.Raise) -> list[cst.CSTNode]:
    return [cst.Pass()]


def _returns_nothing(node: cst.Return) -> list[cst.CSTNode]:
    empty = node.value is None or (isinstance(node.value, cst.Name) and node.value.value == "None")
    return [] if empty else [cst.Return()]


def _contrary(node: cst.If | cst.While | cst.IfExp) -> list[cst.CSTNode]:
    test = node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    return [node.with_changes(test=cst.UnaryOperation(cst.Not(), test))]


_REPLACED = (operator_string, operator_arg_removal)
OPERATORS: list[tuple[type, Callable[..., Iterable[cst.CSTNode]]]] = [
    *((kind, operator) for kind, operator in mutation_operators if operator not in _REPLACED),
    (cst.Call, _other_arguments),
    (cst.BaseString, _marked),
    (cst.Expr, _without_call),
    (cst.Raise, _without_raise),
    (cst.Return, _returns_nothing),
    (cst.If, _contrary),
    (cst.While, _contrary),
    (cst.IfExp, _contrary),
]


class Source:
    """A file and the places in its functions where a fault can be put, in the order of its text."""

    def __init__(self, path: Path) -> None:
        self._path, self._text = str(path), path.read_text(encoding="utf-8")
        wrapper = MetadataWrapper(cst.parse_module(self._text))
        finder = _Finder()
        wrapper.visit(finder)
        self._module, self.places = wrapper.module, finder.found

    def mutant(self, place: Place) -> Mutant:
        function, lines, node, changed = place
        mutated = self._module.deep_replace(node, changed)
        assert isinstance(mutated, cst.Module)
        return Mutant(self._path, function, lines, mutated.code, *_told(self._text, mutated.code))


def _told(source: str, mutated: str) -> tuple[str, str]:
    diff = list(difflib.unified_diff(source.splitlines(), mutated.splitlines(), lineterm="", n=0))[2:]
    return tuple(" ".join(" ".join(row[1:] for row in diff if row[0] == sign).split()) for sign in "-+")


class _Finder(cst.CSTVisitor):
    """Goes through the bodies of functions. What runs once, at import, is left alone."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Place] = []
        self._names: list[str] = []
        self._functions = 0
        self._statements: list[cst.CSTNode] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        # Types and defaults are read at import; what the words of a message are is no behaviour.
        if isinstance(node, cst.Annotation | cst.Decorator | cst.Parameters | cst.Assert):
            return False
        if isinstance(node, cst.Call) and _is_words(node):
            return False
        if isinstance(node, cst.SimpleStatementLine):
            if _is_docstring(node):
                return False
            self._statements.append(node)
        if self._functions:
            self._mutate(node)
        if isinstance(node, cst.FunctionDef):
            self._functions += 1
        if isinstance(node, cst.FunctionDef | cst.ClassDef) and self._functions <= 1:
            self._names.append(node.name.value)
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if self._statements and self._statements[-1] is original_node:
            self._statements.pop()
        if isinstance(original_node, cst.FunctionDef | cst.ClassDef) and self._functions <= 1:
            self._names.pop()
        if isinstance(original_node, cst.FunctionDef):
            self._functions -= 1

    def _mutate(self, node: cst.CSTNode) -> None:
        for kind, operator in OPERATORS:
            if isinstance(node, kind):
                for changed in operator(node):
                    self.found.append((".".join(self._names), self._lines(node), node, changed))

    def _lines(self, node: cst.CSTNode) -> tuple[int, int]:
        known = self._statements[-1] if self._statements else node.test if isinstance(node, cst.If) else node
        span = self.get_metadata(PositionProvider, known)
        assert isinstance(span, CodeRange)
        return span.start.line, span.end.line


def _is_words(node: cst.CSTNode) -> bool:
    if isinstance(node, cst.BinaryOperation):
        return _is_words(node.left)
    return isinstance(node, cst.Call) and isinstance(node.func, cst.Name) and node.func.value == "_"


def _is_docstring(node: cst.SimpleStatementLine) -> bool:
    return isinstance(node.body[0], cst.Expr) and isinstance(node.body[0].value, cst.BaseString)
