"""The options that every command has, and what they choose; shell completion of names out of the cluster."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeAlias

import click
from click.shell_completion import CompletionItem

from paddle_serving_operator.plugin.cluster import NAMESPACE, Cluster, part_path
from paddle_serving_operator.plugin.kubectl import Kubectl
from paddle_serving_operator.plugin.problems import ProblemError
from paddle_serving_operator.view.raw import objects_at, text_at, whole_at
from paddle_serving_operator.view.words import short

Command: TypeAlias = Callable[..., Any]
Complete: TypeAlias = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

KUBECTL = ("kubeconfig", "context", "cluster", "user", "as")
"""Options that go to kubectl as they are."""

COMPLETION_TIMEOUT = "3s"  # a shell that waits longer for a name is worse than no name


def connected(command: Command) -> Command:
    """Adds the options that choose the cluster; the command gets a Cluster as its first argument."""

    @wraps(command)
    def wrapped(**given: Any) -> Any:  # noqa: ANN401 - whatever the command's options are
        context = click.get_current_context()
        chosen = _chosen(context, given)
        for name in OPTIONS:
            given.pop(_parameter(name))
        everywhere = bool(given.pop("all_namespaces", False))
        return command(_cluster(chosen, everywhere=everywhere), **given)

    return with_options(wrapped)


def with_options(command: Command) -> Command:
    """The options alone: of the whole program, which may have them before the command's name."""
    for name, (flags, text) in reversed(OPTIONS.items()):
        complete = complete_namespaces if name == "namespace" else None
        command = click.option(*flags, _parameter(name), metavar=name.upper(), help=text, shell_complete=complete)(
            command
        )
    return command


OPTIONS = {
    "namespace": (("-n", "--namespace"), "The namespace; by default that of the context."),
    "context": (("--context",), "A context of the kubeconfig."),
    "kubeconfig": (("--kubeconfig",), "The kubeconfig file."),
    "cluster": (("--cluster",), "A cluster of the kubeconfig."),
    "user": (("--user",), "A user of the kubeconfig."),
    "as": (("--as",), "Act as this user."),
    "request-timeout": (("--request-timeout",), "How long the API server may take to answer (30s)."),
}

all_namespaces = click.option("-A", "--all-namespaces", is_flag=True, help="In all namespaces.")


def output(*forms: str) -> Callable[[Command], Command]:
    """The option -o."""
    return click.option("-o", "--output", "form", type=click.Choice(forms), help="Another form of the output.")


def _parameter(name: str) -> str:
    return f"choose_{name.replace('-', '_')}"


def _chosen(context: click.Context, given: dict[str, Any]) -> dict[str, str]:
    """What was given, before the command's name or after it; what stands after it wins."""
    outer = context.parent.params if context.parent else {}
    both = {name: given.get(_parameter(name)) or outer.get(_parameter(name)) for name in OPTIONS}
    return {name: value for name, value in both.items() if value}


def _cluster(chosen: dict[str, str], *, everywhere: bool = False, timeout: str = "30s") -> Cluster:
    flags = [f"--{name}={chosen[name]}" for name in KUBECTL if name in chosen]
    kubectl = Kubectl(flags, chosen.get("request-timeout", timeout))
    return Cluster(kubectl, "" if everywhere else chosen.get("namespace") or kubectl.namespace())


def complete_namespaces(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The namespaces that begin so; none where the cluster does not answer."""
    return _items(context, incomplete, lambda cluster: ((name, "") for name in cluster.names(NAMESPACE)))


def complete_names(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The PaddleServices that begin so, with their phases."""
    found = context.params.get("names") or ()
    return _items(
        context,
        incomplete,
        lambda cluster: (
            (name, text_at(item, "status", "phase"))
            for item in cluster.services()
            if (name := text_at(item, "metadata", "name")) not in found
        ),
    )


def complete_revisions(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The numbers of a PaddleService's revisions that begin so, with their models."""

    def numbers(cluster: Cluster) -> Iterable[tuple[str, str]]:
        # click reads no argument where the value of an option is missing, which is what is being completed
        name = str(context.params.get("name") or next(iter(context.args), ""))
        items = objects_at(cluster.kubectl.get(part_path("revisions", cluster.namespace, name)), "items")
        for item in sorted(items, key=lambda one: whole_at(one, "revision"), reverse=True):
            yield str(whole_at(item, "revision")), short(text_at(item, "data", "modelDigest"))

    return _items(context, incomplete, numbers)


def _items(
    context: click.Context, incomplete: str, candidates: Callable[[Cluster], Iterable[tuple[str, str]]]
) -> list[CompletionItem]:
    try:
        found = list(candidates(_cluster(_chosen(context, context.params), timeout=COMPLETION_TIMEOUT)))
    except ProblemError:
        return []
    return [CompletionItem(word, help=text or None) for word, text in found if word.startswith(incomplete)]


def _given(_: click.Context, parameter: click.Parameter, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
    """An empty name, as of a variable that is not set, would mean every service."""
    if "" in ((value,) if isinstance(value, str) else value):
        raise click.BadParameter("is empty. Give the name of a PaddleService.", param=parameter)
    return value


one_name = click.argument("name", shell_complete=complete_names, callback=_given)
many_names = click.argument("names", nargs=-1, shell_complete=complete_names, callback=_given)
