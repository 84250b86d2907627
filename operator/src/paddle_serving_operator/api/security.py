"""spec.security: TLS and API keys at the front of the pods."""

from dataclasses import dataclass

from paddle_serving_operator.api.fields import DNS_SUBDOMAIN, Fields

_TLS_HINT = "Give the name of a Secret of the same namespace with tls.crt and tls.key."
_KEY_HINT = "Give the name of a Secret of the same namespace with api-keys: a key on each line."


@dataclass(frozen=True, slots=True)
class Security:
    """Names of Secrets, which the kubelet alone reads; "" is no TLS, and no API key."""

    tls_secret: str
    api_key_secret: str


def parse_security(spec: Fields) -> Security:
    """What the field says. Raises SpecError."""
    with spec.object("security") as fields:
        return Security(
            tls_secret=fields.text("tlsSecret", "", rf"({DNS_SUBDOMAIN})?", _TLS_HINT),
            api_key_secret=fields.text("apiKeySecret", "", rf"({DNS_SUBDOMAIN})?", _KEY_HINT),
        )
