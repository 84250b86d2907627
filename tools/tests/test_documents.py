"""Commands are read out of documents as their readers would type them."""

from pathlib import Path

import pytest

from tools import claims, documents
from tools.documents import ROOT, command, commands, not_executed, printing, snippet

TEXT = """# Title

Words.

```sh
# a comment alone
first --flag        # what it does
second \\
    --more
third 'a quote that
goes # on' | \\
  fourth
```

## Lists

1. indented

   ```sh
   fifth
   ```

```yaml
sixth: is no command
```

## Printing

```console
before the first command
$ seventh
one
two
   $ eighth
```
"""
DOCUMENT = "made.md"


@pytest.fixture(autouse=True)
def _document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / DOCUMENT).write_text(TEXT)
    monkeypatch.setattr(documents, "ROOT", tmp_path)


def test_lines_that_go_on_are_one_command_and_comments_are_none() -> None:
    assert [each.text for each in commands(DOCUMENT, "Title").commands] == [
        "first --flag",
        "second \\\n    --more",
        "third 'a quote that\ngoes # on' | \\\n  fourth",
    ]


def test_a_block_is_found_by_its_heading_or_by_how_its_first_command_begins() -> None:
    assert commands(DOCUMENT, "first --fl") == commands(DOCUMENT, "Title")
    assert commands(DOCUMENT, "Lists").text == "fifth"
    with pytest.raises(AssertionError, match="one block of commands for 'second', and has 0"):
        commands(DOCUMENT, "second")


def test_one_command_is_found_by_how_it_begins_with_the_line_where_it_stands() -> None:
    (found,) = command(DOCUMENT, "second").commands
    assert (found.line, found.text) == (8, "second \\\n    --more")


def test_what_is_shown_as_printed_belongs_to_its_command() -> None:
    shown = [(each.text, each.printed) for block in printing(DOCUMENT) for each in block.commands]
    assert shown == [("seventh", "one\ntwo\n"), ("eighth", "")]


def test_every_replacement_must_occur() -> None:
    block = commands(DOCUMENT, "Title")
    assert "1st --flag" in block.replaced({"first": "1st", "--more": "--less"}).text
    with pytest.raises(AssertionError, match=r"made\.md no longer says --lost"):
        block.replaced({"first": "1st", "--lost": ""})


def test_a_snippet_is_the_one_block_of_its_language() -> None:
    assert snippet(DOCUMENT, "yaml") == "sixth: is no command\n"
    with pytest.raises(ValueError, match="too many"):
        snippet(DOCUMENT, "sh")


def test_a_command_that_does_not_end_is_refused() -> None:
    (documents.ROOT / DOCUMENT).write_text("```sh\nfirst \\\n```\n")
    with pytest.raises(AssertionError, match="does not end"):
        commands(DOCUMENT, "first")


def test_who_does_not_execute_says_why() -> None:
    assert not_executed(DOCUMENT, "fifth", "it takes a day").text == "fifth"
    with pytest.raises(AssertionError, match="why is `fifth` not executed"):
        not_executed(DOCUMENT, "fifth", "")


SOURCE = """
from tools.documents import command as one, commands, not_executed
NAME = "made.md"
block = commands(NAME, "Title")
def test_it():
    assert one("made.md", "fifth").text
    assert not_executed("made.md", "seventh", because="of this")
"""


def test_claims_are_read_without_running_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "ROOT", documents.ROOT)
    found = list(claims.claims_of("test_it.py", SOURCE))
    assert claims.unclaimed([DOCUMENT], found) == ["made.md:34: eighth"]
    assert claims.not_executed_ones(found) == {(DOCUMENT, "seventh"): "of this"}
    assert list(claims.gone(found)) == []


def test_a_claim_of_what_the_document_does_not_have_is_named() -> None:
    (found,) = claims.claims_of("test_it.py", 'from tools.documents import command; command("made.md", "ninth")')
    assert [line.partition(" must")[0] for line in claims.gone([found])] == ["test_it.py:1: made.md"]


def test_a_claim_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(TypeError, match=r"test_it\.py:1: a claim has literal arguments"):
        list(claims.claims_of("test_it.py", 'from tools.documents import command; command("made.md", str(5))'))


def test_a_parameter_of_the_same_name_claims_nothing() -> None:
    source = "from tools.documents import command\ndef test_it(command):\n    command(str(5))"
    assert list(claims.claims_of("test_it.py", source)) == []


def test_this_repository_is_where_documents_are_read() -> None:
    assert (ROOT / "README.md").is_file()
