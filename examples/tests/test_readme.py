"""What the documents of services tell a reader to type fits the configurations of the TIPC test and the scripts.

images/serving/tests/process/documents/test_examples.py types it.
"""

import re
import shlex
from pathlib import Path

import pytest

from examples.tests.test_packages import EVERY, EXAMPLES
from examples.tests.test_prepare import CONFIGS, value
from tools.documents import blocks, none_executed

SERVICES = [name for name in EVERY if (EXAMPLES / name / "web_service.py").exists()]
BUILT = {
    **none_executed("examples/*/README.md", "python3 -m images build", because="takes minutes; `make images` does it"),
    **none_executed("examples/*/README.md", "docker build", because="takes minutes; examples/README.md's is executed"),
}


def commands(example: str) -> list[list[str]]:
    """The commands of its document, as words."""
    return [shlex.split(each.text) for block in blocks(f"examples/{example}/README.md") for each in block.commands]


def start(example: str, *words: str) -> list[str]:
    """The first command that starts with these words."""
    return next(command for command in commands(example) if command[: len(words)] == list(words))


@pytest.mark.parametrize("example", SERVICES)
def test_a_document_tells_how_to_prepare_start_ask_compare_and_test(example: str) -> None:
    (config,) = [path for path in CONFIGS if Path(value(path, 10)).name == example]
    named = f"test_tipc/configs/{config.parent.name}/{config.name}"
    assert start(example, "bash", "test_tipc/prepare.sh") == ["bash", "test_tipc/prepare.sh", named]
    assert start(example, "bash", "test_tipc/test_serving.sh") == ["bash", "test_tipc/test_serving.sh", named]
    assert start(example, "python3", "examples/build.py")[2:] == [example, f"build/{example}"]
    served = start(example, "paddle-serving-runtime", "serve")
    port = re.search(r"^http_port: (\d+)$", (EXAMPLES / example / "config.yml").read_text(), re.MULTILINE)
    assert port
    assert served[2:8] == ["--model-dir", f"build/{example}", "--name", example, "--http-port", port[1]]
    assert f"127.0.0.1:{port[1]}/{example}/prediction" in (EXAMPLES / example / "pipeline_http_client.py").read_text()


@pytest.mark.parametrize("example", SERVICES)
def test_a_document_asks_client_and_author_for_the_input_of_the_configuration(example: str) -> None:
    (config,) = [path for path in CONFIGS if Path(value(path, 10)).name == example]
    option = config.read_text().splitlines()[17].split(":")[0]
    for script in ("pipeline_http_client.py", "infer.py"):
        words = start(example, "python3", f"examples/{example}/{script}")
        asked = words[words.index(option) + 1]
        assert (EXAMPLES.parent / asked).exists()
        for word in words[2:]:
            assert not word.startswith("--") or f'"{word}"' in (EXAMPLES / example / script).read_text()
    assert Path(words[words.index("--model-dir") + 1]) == Path(value(config, 5))


@pytest.mark.parametrize("document", sorted(BUILT))
def test_a_document_builds_the_image_that_its_resource_names(document: str) -> None:
    example = Path(document).parent.name
    name = f"paddle-serving-example-{example}"
    assert name in [word.partition(":")[0] for word in shlex.split(BUILT[document].text)]
    assert f"{name}:" in (EXAMPLES / f"{example}.yaml").read_text()
