from pathlib import Path

import pytest

from paddle_serving_operator.settings import ModelCache, Profile, Settings, SettingsError, read_profiles

USUAL = "image: i, resources: {limits: {cpu: 1, memory: 1Gi}}"
GOOD = "cpu: {image: runtime:1, resources: {limits: {cpu: 2, memory: 2Gi}}}"


def profiles_file(folder: Path, text: str) -> Path:
    path = folder / "profiles.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_settings_come_from_the_environment(tmp_path: Path) -> None:
    path = profiles_file(tmp_path, GOOD)
    settings = Settings.from_env(
        {"PROFILES_FILE": str(path), "WATCH_NAMESPACES": "a, b,", "WORKERS": "8", "LOG_LEVEL": "debug"}
    )
    assert settings.namespaces == ("a", "b")
    assert settings.workers == 8
    assert settings.log_level == "DEBUG"
    assert settings.profiles == {"cpu": Profile("runtime:1", "IfNotPresent", {"cpu": "2", "memory": "2Gi"}, {})}


def test_the_page_is_off_unless_it_has_an_endpoint(tmp_path: Path) -> None:
    env = {"PROFILES_FILE": str(profiles_file(tmp_path, GOOD))}
    assert Settings.from_env(env).page is None
    assert Settings.from_env(env | {"PAGE_ENDPOINT": ""}).page is None
    assert Settings.from_env(env | {"PAGE_ENDPOINT": "http://127.0.0.1:8090/"}).page == ("127.0.0.1", 8090)


@pytest.mark.parametrize(
    "endpoint", ["8090", "http://127.0.0.1", "https://h:1", "http://h:99999", "http://h:1/path", "http://[h:1"]
)
def test_an_endpoint_of_the_page_that_is_none_is_refused(tmp_path: Path, endpoint: str) -> None:
    env = {"PROFILES_FILE": str(profiles_file(tmp_path, GOOD)), "PAGE_ENDPOINT": endpoint}
    with pytest.raises(SettingsError, match="PAGE_ENDPOINT is"):
        Settings.from_env(env)


def test_a_profile_may_have_everything(tmp_path: Path) -> None:
    text = """
gpu:
  image: runtime:1-gpu
  imagePullPolicy: Always
  resources: {limits: {cpu: "4", memory: 8Gi, nvidia.com/gpu: 1}, requests: {cpu: 2}}
  env: [{name: A, value: b}, {name: C}]
  runtimeClassName: nvidia
  nodeSelector: {x: "y"}
  tolerations: [{operator: Exists}]
  fetch:
    resources: {limits: {cpu: 1}, requests: {memory: 64Mi}}
    cache: {persistentVolumeClaim: packages, hostPath: "", limit: 2Gi}
    imageVolumes: Auto
"""
    profile = read_profiles(profiles_file(tmp_path, text))["gpu"]
    assert profile.limits["nvidia.com/gpu"] == "1"
    assert profile.env == (("A", "b"), ("C", ""))
    assert profile.tolerations == ({"operator": "Exists"},)
    assert (profile.fetch_limits, profile.fetch_requests) == ({"cpu": "1"}, {"memory": "64Mi"})
    assert profile.cache == ModelCache("packages", "", 2 << 30)
    assert profile.image_volumes


def test_a_cache_without_a_place_is_none(tmp_path: Path) -> None:
    nowhere = "fetch: {cache: {persistentVolumeClaim: '', hostPath: '', limit: 1Gi}}"
    text = GOOD.replace("runtime:1,", f"runtime:1, {nowhere},")
    assert read_profiles(profiles_file(tmp_path, text))["cpu"].cache is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{}", "no runtime profile"),
        ("- cpu", "no runtime profile"),
        ("cpu: [", "not YAML"),
        ("cpu: runtime", "cpu is not a mapping"),
        ("cpu: {resources: {limits: {cpu: 1, memory: 1Gi}}}", "cpu.image is missing"),
        ("cpu: {image: i}", "cpu.resources.limits.cpu is missing. A model server without limits"),
        ("cpu: {image: i, resources: {limits: {cpu: 1}}}", "cpu.resources.limits.memory is missing"),
        ("cpu: {image: i, resources: {limits: {cpu: true, memory: 1Gi}}}", "limits.cpu is True"),
        ("cpu: {image: i, resources: {limits: {cpu: 1, memory: 2 GB}}}", "limits.memory is '2 GB'"),
        (
            "cpu: {image: i, resources: {limits: {cpu: 1, memory: 1Gi}, requests: {cpu: half}}}",
            "requests.cpu is 'half'",
        ),
        ("cpu: {image: i, resources: {limits: {cpu: 1, memory: 1Gi}}, envs: []}", "cpu.envs is unknown"),
        ("cpu: {image: i, resources: {limits: {cpu: 0, memory: 1Gi}}}", "limits.cpu is '0', which is no limit"),
        ("cpu: {image: i, resources: {limits: {cpu: 1, memory: 0.0Mi}}}", "limits.memory is '0.0Mi', which is no"),
        ("cpu: {image: i, resources: {limits: {cpu: -1, memory: 1Gi}}}", "limits.cpu is -1"),
        ("cpu: {image: i, resources: {limits: {cpu: 1, memory: 1Gi}}, fetch: {cpu: 1}}", "cpu.fetch.cpu is unknown"),
        (
            "cpu: {image: i, resources: {limits: {cpu: 1, memory: 1Gi}}, fetch: {resources: {limits: {cpu: 0m}}}}",
            "cpu.fetch.resources.limits.cpu is '0m', which is no limit",
        ),
        (f"cpu: {{{USUAL}, fetch: {{imageVolumes: true}}}}", "cpu.fetch.imageVolumes is True. Use one of Auto, Never"),
        (f"cpu: {{{USUAL}, fetch: {{cache: {{pvc: a}}}}}}", "cpu.fetch.cache.pvc is unknown"),
        (f"cpu: {{{USUAL}, fetch: {{cache: {{hostPath: a, limit: 1Gi}}}}}}", "cpu.fetch.cache.hostPath is 'a'"),
        (f"cpu: {{{USUAL}, fetch: {{cache: {{hostPath: /a}}}}}}", "cpu.fetch.cache.limit is None"),
        (f"cpu: {{{USUAL}, fetch: {{cache: {{hostPath: /a, limit: 0}}}}}}", "cpu.fetch.cache.limit is 0"),
        (
            f"cpu: {{{USUAL}, fetch: {{cache: {{hostPath: /a, persistentVolumeClaim: b, limit: 1Gi}}}}}}",
            "cpu.fetch.cache has a persistentVolumeClaim and a hostPath",
        ),
        (
            "cpu: {image: i, imagePullPolicy: never, resources: {limits: {cpu: 1, memory: 1Gi}}}",
            "imagePullPolicy is 'never'",
        ),
        ("cpu: {image: i, env: {A: b}, resources: {limits: {cpu: 1, memory: 1Gi}}}", "cpu.env is not a list"),
        (
            "cpu: {image: i, env: [{value: b}], resources: {limits: {cpu: 1, memory: 1Gi}}}",
            "env[0] needs name and value",
        ),
    ],
)
def test_a_profile_that_cannot_work_is_refused_with_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = profiles_file(tmp_path, text)
    with pytest.raises(SettingsError, match=r"profiles\.yaml") as refused:
        read_profiles(path)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(("name", "value"), [("WORKERS", "0"), ("WORKERS", "many"), ("LOG_LEVEL", "LOUD")])
def test_a_wrong_variable_is_named(tmp_path: Path, name: str, value: str) -> None:
    path = profiles_file(tmp_path, GOOD)
    with pytest.raises(SettingsError, match=f"{name} is '{value}'"):
        Settings.from_env({"PROFILES_FILE": str(path), name: value})


def test_a_missing_file_says_what_to_mount(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Mount the chart's ConfigMap"):
        read_profiles(tmp_path / "none.yaml")
