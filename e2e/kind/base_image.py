"""The image `debian:bookworm-slim` that the project's Dockerfiles start from: present, pulled, or made on this host."""

import os
import shutil
import subprocess
from pathlib import Path

from e2e.kind.cache import Cache, require_space
from e2e.kind.console import Console, Step
from e2e.kind.docker import QUICK, data_root, image_id, last_line, pull
from e2e.kind.engine import apt_install
from e2e.kind.errors import CommandError, SetupError
from e2e.kind.process import capture, logged
from e2e.kind.versions import BASE_IMAGE, DEBIAN_RELEASE

LABEL = "org.paddlepaddle.serving.made-by"
MADE_BY = "e2e/kind"
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
NEEDED_GIGABYTES = 2.0
# pip and requests bring a CA bundle of their own; these make them trust what the image's bundle, the host's, trusts.
TRUST = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE")


def ensure(cache: Cache, console: Console) -> None:
    """Makes sure that the engine has the base image. Raises SetupError where it cannot be pulled nor made."""
    with console.step(f"base image {BASE_IMAGE}") as step:
        if image_id(BASE_IMAGE):
            step.result = "is there"
            return
        log = cache.log("base-image")
        if pull(BASE_IMAGE, log, step):
            step.result = "pulled"
            return
        reason = last_line(log)
        require_debootstrap(reason)
        require_space(cache.root, NEEDED_GIGABYTES, f"making {BASE_IMAGE}")
        require_space(data_root(), NEEDED_GIGABYTES, f"making {BASE_IMAGE}")
        make(cache, log, step)
        step.result = f"made by debootstrap (no image registry: {reason})"


def require_debootstrap(reason: str) -> None:
    """Raises SetupError where debootstrap cannot work; `reason` is why the image could not be pulled."""
    if os.geteuid() != 0:
        raise SetupError(
            f"{BASE_IMAGE} cannot be pulled ({reason}), and making it from Debian's packages needs root."
            f" Run `docker pull {BASE_IMAGE}` where a registry is reached, or run this as root."
        )
    if not shutil.which("debootstrap") and not shutil.which("apt-get"):
        raise SetupError(
            f"{BASE_IMAGE} cannot be pulled ({reason}), and there is neither debootstrap nor apt-get for it."
            f" Load the image by hand: `docker load < {DEBIAN_RELEASE}-slim.tar`."
        )


def make(cache: Cache, log: Path, step: Step) -> None:
    """Builds the root file system from Debian's packages and imports it. Raises SetupError with the end of the log."""
    if not shutil.which("debootstrap"):
        step.doing = "installing debootstrap"
        apt_install(["debootstrap", "debian-archive-keyring"], log)
    step.doing = f"making {BASE_IMAGE} by debootstrap"
    root = cache.workspace("debian") / "root"
    try:
        logged(["debootstrap", "--variant=minbase", "--include=ca-certificates", DEBIAN_RELEASE, root], log)
    except CommandError as error:
        raise SetupError(
            f"{BASE_IMAGE} could not be made by debootstrap. {error}\n"
            "Debian's package mirror must be reachable from this host."
        ) from error
    slim_down(root)
    take_over_from_host(root)
    step.doing = f"importing {BASE_IMAGE}"
    import_image(root, log)
    shutil.rmtree(root)


def slim_down(root: Path) -> None:
    """Drops what the -slim image lacks too, and makes dpkg leave it out of later installs."""
    excluded = ("doc", "groff", "info", "linda", "lintian", "man")
    lines = [f"path-exclude /usr/share/{name}/*" for name in excluded] + ["path-include /usr/share/doc/*/copyright"]
    (root / "etc/dpkg/dpkg.cfg.d/slim").write_text("\n".join(lines) + "\n")
    for name in excluded:
        for file in (root / "usr/share" / name).rglob("*"):
            if file.name != "copyright" and (file.is_symlink() or file.is_file()):
                file.unlink()
    for folder in ("var/cache/apt/archives", "var/lib/apt/lists"):
        for path in (root / folder).iterdir():
            if path.is_file():
                path.unlink()
    (root / "etc/apt/apt.conf.d/keep-no-packages").write_text('Binary::apt::APT::Keep-Downloaded-Packages "false";\n')


def take_over_from_host(root: Path) -> None:
    """Copies the host's CA bundle (it may trust a proxy) and, from the same Debian release, its package sources.

    debootstrap alone would leave out the security updates.
    """
    if CA_BUNDLE.is_file():
        trust_host_authorities(root)
    if f"VERSION_CODENAME={DEBIAN_RELEASE}" not in Path("/etc/os-release").read_text().split():
        return
    sources = Path("/etc/apt/sources.list.d/debian.sources")
    if sources.is_file():
        shutil.copy(sources, root / sources.relative_to("/"))
        (root / "etc/apt/sources.list").write_text("")


def trust_host_authorities(root: Path) -> None:
    """Makes the image trust what the host trusts beyond Debian's own list (a TLS proxy's authority, say).

    The extra ones go where update-ca-certificates looks for local ones too: a later upgrade of the package
    ca-certificates writes the bundle anew, and a copied bundle would forget them.
    """
    bundle = root / CA_BUNDLE.relative_to("/")
    own = set(certificates(bundle)) if bundle.is_file() else set()
    local = root / "usr/local/share/ca-certificates"
    local.mkdir(parents=True, exist_ok=True)
    for number, certificate in enumerate(text for text in certificates(CA_BUNDLE) if text not in own):
        (local / f"host-{number}.crt").write_text(certificate)
    shutil.copy(CA_BUNDLE, bundle)


def certificates(bundle: Path) -> list[str]:
    """The PEM certificates of a bundle, one text each."""
    end = "-----END CERTIFICATE-----\n"
    return [text[text.index("-----BEGIN") :] + end for text in bundle.read_text().split(end) if "-----BEGIN" in text]


def import_image(root: Path, log: Path) -> None:
    """Streams a root file system into the engine. Raises CommandError."""
    changes = ['CMD ["bash"]', f"LABEL {LABEL}={MADE_BY}", *(f"ENV {name}={CA_BUNDLE}" for name in TRUST)]
    options = [word for change in changes for word in ("--change", change)]
    with log.open("a") as file:
        tar = subprocess.Popen(
            ["tar", "--numeric-owner", "--directory", root, "--create", "."], stdout=subprocess.PIPE, stderr=file
        )
        done = subprocess.run(
            ["docker", "import", *options, "-", BASE_IMAGE], stdin=tar.stdout, stdout=file, stderr=file, check=False
        )
        tar.stdout.close() if tar.stdout else None
    if tar.wait() != 0 or done.returncode != 0:
        command = f"tar ... | docker import - {BASE_IMAGE}"
        raise CommandError(command, done.returncode or tar.returncode, log)


def remove(console: Console) -> None:
    """Takes the base image's name away if `make` gave it; one that was pulled is not ours to remove."""
    label = capture(
        ["docker", "image", "inspect", "--format", f'{{{{index .Config.Labels "{LABEL}"}}}}', BASE_IMAGE], timeout=QUICK
    )
    if label.ok and label.stdout.strip() == MADE_BY:
        capture(["docker", "image", "rm", BASE_IMAGE], timeout=QUICK)
        console.say(f"{BASE_IMAGE}: removed")
