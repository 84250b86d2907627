"""What the container that fetches is given for a store: keys, a token, certificates; and nobody else."""

from collections.abc import Callable, Mapping

from paddle_serving_operator.api.types import ServiceSpec
from paddle_serving_operator.desired import objects
from paddle_serving_operator.desired.revision import Revision, revision_of
from paddle_serving_operator.settings import Profile

MakeSpec = Callable[..., ServiceSpec]
Profiles = Mapping[str, Profile]


def revision(spec: ServiceSpec, profiles: Profiles) -> Revision:
    return revision_of("ocr", spec, profiles[spec.runtime])


def test_the_keys_of_a_store_reach_only_the_container_that_fetches(make_spec: MakeSpec, profiles: Profiles) -> None:
    source = {"s3": {"uri": "s3://models/a", "credentialsSecret": "reader"}}
    pod = objects.deployment("ocr", revision(make_spec(model={"source": source}), profiles), 1)["spec"]["template"][
        "spec"
    ]
    variables = {item["name"]: item["valueFrom"]["secretKeyRef"] for item in pod["initContainers"][0]["env"]}
    assert variables == {
        "AWS_ACCESS_KEY_ID": {"name": "reader", "key": "AWS_ACCESS_KEY_ID"},
        "AWS_SECRET_ACCESS_KEY": {"name": "reader", "key": "AWS_SECRET_ACCESS_KEY"},
        "AWS_SESSION_TOKEN": {"name": "reader", "key": "AWS_SESSION_TOKEN", "optional": True},
    }
    assert "reader" not in str(pod["containers"]) + str(pod["volumes"])


def test_keys_of_alibaba_have_alibabas_names(make_spec: MakeSpec, profiles: Profiles) -> None:
    source = {"oss": {"uri": "oss://models/a", "region": "cn-hangzhou", "credentialsSecret": "reader"}}
    spec = revision(make_spec(model={"source": {"pvc": None, **source}}), profiles).template["spec"]
    variables = {item["name"]: item["valueFrom"]["secretKeyRef"] for item in spec["initContainers"][0]["env"]}
    assert variables == {
        "OSS_ACCESS_KEY_ID": {"name": "reader", "key": "OSS_ACCESS_KEY_ID"},
        "OSS_ACCESS_KEY_SECRET": {"name": "reader", "key": "OSS_ACCESS_KEY_SECRET"},
        "OSS_SESSION_TOKEN": {"name": "reader", "key": "OSS_SESSION_TOKEN", "optional": True},
    }
    assert "reader" not in str(spec["containers"]) + str(spec["volumes"])


def test_the_account_of_google_is_a_file_of_the_container_that_fetches(make_spec: MakeSpec, profiles: Profiles) -> None:
    source = {"gcs": {"uri": "gs://models/a", "credentialsSecret": "reader"}}
    spec = revision(make_spec(model={"source": {"pvc": None, **source}}), profiles).template["spec"]
    (fetch,) = spec["initContainers"]
    (variable,) = fetch["env"]
    (mount,) = (mount for mount in fetch["volumeMounts"] if mount["name"] == "account")
    (volume,) = (volume for volume in spec["volumes"] if volume["name"] == "account")
    (item,) = volume["secret"]["items"]
    assert (volume["secret"]["secretName"], mount["readOnly"]) == ("reader", True)
    assert variable["name"] == "GOOGLE_APPLICATION_CREDENTIALS"
    assert variable["value"] == f"{mount['mountPath']}/{item['path']}"
    assert item["key"] == "gcloud-application-credentials.json"
    assert "account" not in {mount["name"] for mount in spec["containers"][0]["volumeMounts"]}


def test_without_a_secret_google_is_asked_as_the_pod(make_spec: MakeSpec, profiles: Profiles) -> None:
    source = {"gcs": {"uri": "gs://models/a"}}
    spec = revision(make_spec(model={"source": {"pvc": None, **source}}), profiles).template["spec"]
    assert "env" not in spec["initContainers"][0]
    assert [volume["name"] for volume in spec["volumes"]] == ["models", "tmp", "run"]


def test_a_token_reaches_only_the_container_that_fetches(make_spec: MakeSpec, profiles: Profiles) -> None:
    source = {"http": {"url": "hf://a/b@v2", "credentialsSecret": "reader"}}
    spec = revision(make_spec(model={"source": {"pvc": None, **source}}), profiles).template["spec"]
    (fetch,) = spec["initContainers"]
    assert fetch["env"] == [
        {"name": "HTTP_TOKEN", "valueFrom": {"secretKeyRef": {"name": "reader", "key": "HTTP_TOKEN"}}}
    ]
    assert "reader" not in str(spec["containers"]) + str(spec["volumes"])


def test_without_a_secret_or_a_ca_nothing_is_mounted_for_a_store(make_spec: MakeSpec, profiles: Profiles) -> None:
    source = {"s3": {"uri": "s3://models/a", "endpoint": "", "region": ""}}
    pod = objects.deployment("ocr", revision(make_spec(model={"source": source}), profiles), 1)["spec"]["template"][
        "spec"
    ]
    fetch = pod["initContainers"][0]
    assert "env" not in fetch
    assert fetch["args"][:3] == ["fetch", "--from-s3", "s3://models/a"]
    assert fetch["args"][3] == "--digest"
    assert [volume["name"] for volume in pod["volumes"]] == ["models", "tmp", "run"]
