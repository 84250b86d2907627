"""The site that `make docs` builds, from the pages of the repository where they stand: their links work in both.

Sphinx, because its strict mode refuses what leads nowhere, pages and headings alike.
The theme loads nothing from elsewhere.
"""

project = "Paddle Serving on Kubernetes"
extensions = ["myst_parser"]
include_patterns = [
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "charts/*/README.md",
    "docs/*.md",
    "docs/site/contents.md",
    "e2e/README.md",
    "examples/README.md",
    "examples/*/README.md",
    "test_tipc/README.md",
    "test_tipc/docs/*.md",
    "test_tipc/docs/logs/*.md",
]
# not walked through: the environment alone has fifty thousand files
exclude_patterns = [".*", "build"]
root_doc = "docs/site/contents"
myst_heading_anchors = 4
# a fence in a language that highlights nothing, such as an HAProxy log, is text
suppress_warnings = ["misc.highlighting_failure"]
html_theme = "furo"
html_title = project
html_copy_source = False
html_show_copyright = False
html_extra_path = ["front"]
