"""Which tool writes a PaddleService, and what that means for a change that is made past it."""

from dataclasses import dataclass

from paddle_serving_operator.view.raw import Raw, objects_at, text_at

MARKS = (
    ("Argo CD", True, "annotations", "argocd.argoproj.io/tracking-id"),
    ("Argo CD", True, "labels", "argocd.argoproj.io/instance"),
    ("Flux", True, "labels", "kustomize.toolkit.fluxcd.io/name"),
    ("Helm", False, "annotations", "meta.helm.sh/release-name"),
)
MANAGERS = {
    "argocd-controller": ("Argo CD", True),
    "kustomize-controller": ("Flux", True),
    "helm-controller": ("Helm", False),
    "helm": ("Helm", False),
}


@dataclass(frozen=True, slots=True)
class Owner:
    """A tool that owns the spec. `reverts`: it puts its own values back by itself, not only when somebody runs it.

    `place` is its application, kustomization or release, "" where only the tool is known.
    """

    tool: str
    place: str
    reverts: bool


def owner_of(raw: Raw) -> Owner | None:
    """The tool, by its label or annotation, else by the name under which it wrote the spec; None for people."""
    for tool, reverts, kind, name in MARKS:
        if place := text_at(raw, "metadata", kind, name):
            return Owner(tool, place, reverts)
    for entry in objects_at(raw, "metadata", "managedFields"):
        known = MANAGERS.get(text_at(entry, "manager"))
        if known and "f:spec" in (entry.get("fieldsV1") or {}):
            return Owner(known[0], "", known[1])
    return None
