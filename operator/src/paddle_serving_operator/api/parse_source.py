"""From the JSON of `spec.model.source` to a Source."""

from types import MappingProxyType

from paddle_serving_operator.api.fields import Fields
from paddle_serving_operator.api.sources import (
    BucketSource,
    ConfigMapSource,
    HttpSource,
    ImageSource,
    PvcSource,
    Source,
)

HUB_ADDRESS = r"hf://[\w.-]+/[\w.-]+(@[^\s/@?#]+)?(/[^\s?#]*)?"
BUCKETS = MappingProxyType(
    {
        "s3": r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        "oss": r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
        "gs": r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]",
    }
)
"""Names of buckets, by the scheme of a URI."""


def parse_source(model: Fields) -> Source:
    """`source` of the field `model`. Raises SpecError."""
    with model.object("source") as fields:
        given = [name for name in SOURCES if fields.has(name)]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise fields.error("", f"has {found}. Give exactly one of {', '.join(SOURCES)}.")
        with fields.object(given[0]) as source:
            return SOURCES[given[0]](source)


def _pvc(fields: Fields) -> Source:
    path = fields.text("path", default="")
    if path.startswith("/") or ".." in path.split("/"):
        raise fields.error(
            "path",
            f"is {path!r}. Give a directory relative to the root of the volume, without a leading / and without ..",
        )
    return PvcSource(claim_name=fields.text("claimName", hint="Name the PersistentVolumeClaim."), path=path)


def _http(fields: Fields) -> Source:
    url = fields.text(
        "url",
        pattern=rf"https?://[^\s/@]+(/\S*)?|{HUB_ADDRESS}",
        hint="Give an http:// or https:// address without a password, or hf://<owner>/<model>@<revision>.",
    )
    secret = fields.text("credentialsSecret", default="")
    _require_encryption(fields, secret, url, "address")
    return HttpSource(url, secret)


def _s3(fields: Fields) -> Source:
    return _bucket(fields, "s3", region=_region(fields, default=""))


def _oss(fields: Fields) -> Source:
    return _bucket(fields, "oss", region=_region(fields, default=None))


def _gcs(fields: Fields) -> Source:
    source = _bucket(fields, "gs", region="")
    _require_encryption(fields, source.credentials_secret, source.endpoint, "endpoint")
    return source


def _bucket(fields: Fields, scheme: str, region: str) -> BucketSource:
    return BucketSource(
        uri=_uri(fields, scheme),
        endpoint=_endpoint(fields),
        region=region,
        credentials_secret=fields.text("credentialsSecret", default=""),
        ca_config_map=fields.text("caConfigMap", default=""),
    )


def _require_encryption(fields: Fields, secret: str, url: str, what: str) -> None:
    """A token is in every request. Raises SpecError."""
    if secret and url.startswith("http://"):
        raise fields.error("credentialsSecret", f"would go over the network in plain text. Give an https:// {what}.")


def _uri(fields: Fields, scheme: str) -> str:
    return fields.text(
        "uri",
        pattern=rf"{scheme}://{BUCKETS[scheme]}(/(?!\.\.(/|$))[^\s/]+)*/?",
        hint=f"Give {scheme}://<bucket>/<folder or archive>, without ..",
    )


def _endpoint(fields: Fields) -> str:
    return fields.text(
        "endpoint",
        default="",
        pattern=r"(https?://[^\s/@?#]+/?)?",
        hint="Give an http:// or https:// address of the store alone, without path and password.",
    )


def _region(fields: Fields, default: str | None) -> str:
    """The region; without a default it must be given, and not as an empty text."""
    pattern = r"[A-Za-z0-9-]+" if default is None else r"[A-Za-z0-9-]*"
    return fields.text("region", default, pattern, "Give a region such as eu-west-1 or cn-hangzhou.")


def _image(fields: Fields) -> Source:
    path = fields.text("path", default="/model")
    if not path.startswith("/") or ".." in path.split("/"):
        raise fields.error("path", f"is {path!r}. Give an absolute directory of the image, without ..")
    return ImageSource(
        reference=fields.text("reference", hint="Give the image that carries the package."),
        path=path,
        pull_policy=fields.choice("pullPolicy", "IfNotPresent", ("Always", "IfNotPresent", "Never")),
    )


def _config_map(fields: Fields) -> Source:
    return ConfigMapSource(name=fields.text("name", hint="Name the ConfigMap."))


SOURCES = MappingProxyType(
    {"pvc": _pvc, "http": _http, "s3": _s3, "gcs": _gcs, "oss": _oss, "image": _image, "configMap": _config_map}
)
