"""Which test executes which command of which document.

`python -m tools.claims` lists the commands that no test executes, and why. Its status is 1 where nobody claims one.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from tools.documents import ROOT, Block, Command, blocks, command, commands, each, printing

NOT_READ = ("CHANGELOG.md", "docs/measurements.md", "test_tipc/docs/")
"""A history, and generated tables and logs."""
OWN = "tools/tests/test_documents.py"
"""The tests of tools/documents.py itself, which execute nothing."""
CALLS = {"commands", "command", "each", "printing", "not_executed", "none_executed"}


@dataclass(frozen=True, slots=True)
class Claim:
    """A test's call of a function of tools/documents.py; `because` of what, where it does not execute the command."""

    place: str
    document: str
    key: str
    whole: bool
    because: str = ""

    def block(self) -> Block:
        """What is claimed. Raises AssertionError where the document does not have it."""
        return commands(self.document, self.key) if self.whole else command(self.document, self.key)


def documents() -> list[str]:
    """The documents of the repository, but for those that are made by programs."""
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [name for name in listed.splitlines() if not name.startswith(NOT_READ) and (ROOT / name).is_file()]


def claims() -> list[Claim]:
    """The claims of all tests and of what they share. Raises TypeError for one that cannot be read."""
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    tests = [ROOT / name for name in listed.splitlines() if "/tests/" in name or name.startswith("e2e/lib/")]
    return [
        claim
        for path in tests
        if path.is_file() and path != ROOT / OWN
        for claim in claims_of(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))
    ]


def claims_of(name: str, source: str) -> Iterator[Claim]:
    """The claims of one file."""
    if "tools.documents" not in source:  # to parse all of them takes seconds
        return
    tree = ast.parse(source, name)
    constants = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    calls = {
        alias.asname or alias.name: alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "tools.documents"
        for alias in node.names
        if alias.name in CALLS
    }
    for node in _calls(tree, set(calls)):
        called = calls[node.func.id]
        place = f"{name}:{node.lineno}"
        values = [*node.args, *(word.value for word in node.keywords)]
        words = [_word(constants.get(value.id) if isinstance(value, ast.Name) else value, place) for value in values]
        if called == "printing":
            yield from (Claim(place, words[0], block.text, whole=False) for block in printing(words[0]))
        elif called in {"each", "none_executed"}:
            yield from _of_each(place, *words)
        else:
            document, key, *because = words
            yield Claim(place, document, key, called == "commands", *because)


def _of_each(place: str, pattern: str, start: str, because: str = "") -> Iterator[Claim]:
    """A claim for each document of the pattern; one of the pattern itself, which no document is, where none has it."""
    try:
        found = {document: block.text for document, block in each(pattern, start).items()}
    except AssertionError:
        found = {pattern: start}
    yield from (Claim(place, document, text, whole=False, because=because) for document, text in found.items())


class _Named(ast.Call):
    """A call of a plain name."""

    func: ast.Name


def _calls(tree: ast.AST, names: set[str]) -> Iterator[_Named]:
    """The calls of these names, but for those inside of functions that have a parameter of the name."""
    for node in ast.iter_child_nodes(tree):
        inner = names
        if isinstance(node, ast.FunctionDef):
            inner = names - {argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield cast("_Named", node)
        yield from _calls(node, inner)


def _word(value: ast.expr | None, place: str) -> str:
    if not isinstance(value, ast.Constant) or not isinstance(value.value, str):
        raise TypeError(f"{place}: a claim has literal arguments, or constants of its module, so that it can be read")
    return value.value


def unclaimed(read: Sequence[str], made: Sequence[Claim]) -> list[str]:
    """A line for each command of the documents that none of the claims is about."""
    taken = {(claim.document, each.text) for claim in made for each in claim.block().commands}
    return [
        f"{document}:{each.line}: {each.text}"
        for document in read
        for block in blocks(document)
        for each in block.commands
        if (document, each.text) not in taken
    ]


def gone(made: Sequence[Claim]) -> Iterator[str]:
    """A line for each claim of something that its document does not have."""
    for claim in made:
        try:
            claim.block()
        except (AssertionError, OSError) as error:
            yield f"{claim.place}: {error}"


def not_executed_ones(made: Sequence[Claim]) -> dict[tuple[str, str], str]:
    """Why, by document and command, for those that no test executes."""

    def texts(claim: Claim) -> Iterator[tuple[str, Command]]:
        yield from ((claim.document, each) for each in claim.block().commands)

    executed = {(document, each.text) for claim in made if not claim.because for document, each in texts(claim)}
    return {
        (document, each.text): claim.because
        for claim in made
        if claim.because
        for document, each in texts(claim)
        if (document, each.text) not in executed
    }


def main() -> int:
    """Prints the list."""
    made = claims()
    total = sum(len(block.commands) for name in documents() for block in blocks(name))
    left = not_executed_ones(made)
    print(f"{total} commands in {len(documents())} documents. Not executed by a test: {len(left)}")
    for (document, text), because in sorted(left.items()):
        print(f"  {document}: {text.splitlines()[0]}\n      {because}")
    missing = unclaimed(documents(), made)
    print("\n".join(["Claimed by nobody:", *missing]) if missing else "Every command is claimed.")
    return bool(missing)


if __name__ == "__main__":
    sys.exit(main())
