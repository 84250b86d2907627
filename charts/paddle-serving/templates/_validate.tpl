{{/* Refuses values with a sentence that says what to do, where the schema could only point at a pattern. Renders nothing. */}}
{{- define "paddle-serving.validate" -}}
{{- include "paddle-serving.validateName" . -}}
{{- include "paddle-serving.validateModelName" . -}}
{{- include "paddle-serving.validateLimits" . -}}
{{- include "paddle-serving.validateModel" . -}}
{{- include "paddle-serving.validateSource" .Values.model.source -}}
{{- include "paddle-serving.validateEngine" . -}}
{{- include "paddle-serving.validateConsistency" . -}}
{{- include "paddle-serving.validateSteps" .Values.rollout -}}
{{- include "paddle-serving.validateSurge" . -}}
{{- include "paddle-serving.validateDrift" .Values.rollout -}}
{{- include "paddle-serving.validateAnalysis" . -}}
{{- include "paddle-serving.validateTraffic" .Values.traffic -}}
{{- include "paddle-serving.validateAutoscaling" . -}}
{{- include "paddle-serving.validateKeda" . -}}
{{- include "paddle-serving.validateExposure" . -}}
{{- include "paddle-serving.validateIngress" .Values.ingress -}}
{{- include "paddle-serving.validateNetworkPolicy" .Values.networkPolicy -}}
{{- include "paddle-serving.validateDisruption" .Values.disruption -}}
{{- include "paddle-serving.validatePod" .Values.pod -}}
{{- include "paddle-serving.validateAccount" . -}}
{{- include "paddle-serving.validateTest" . -}}
{{- end -}}

{{- define "paddle-serving.validateName" -}}
{{- $name := include "paddle-serving.name" . -}}
{{- if or (not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name)) (gt (len $name) 52) (regexMatch "-(stable|canary)$" $name) -}}
{{- fail (printf "charts/paddle-serving: %q cannot be the name of a PaddleService, because it becomes the name of a Service. Use lower-case letters, digits and '-', a letter first, at most 52 characters, not ending with -stable or -canary: choose another release name or --set fullnameOverride=ocr" $name) -}}
{{- end -}}
{{- end -}}

{{- define "paddle-serving.validateModelName" -}}
{{- if eq (include "paddle-serving.modelName" .) "v2" -}}
{{- fail "charts/paddle-serving: a model cannot be called v2, because the paths of the Open Inference Protocol begin with /v2/. Choose another name, for example --set model.name=ocr-v2" -}}
{{- end -}}
{{- end -}}

{{- define "paddle-serving.validateLimits" -}}
{{- $limits := .Values.resources.limits | default dict -}}
{{- range $name, $limit := $limits -}}
{{- if regexMatch "^[0.]+[A-Za-z]*$" (toString $limit) -}}
{{- fail (printf "charts/paddle-serving: `resources.limits.%s` is %v, which is no limit. Give more than 0, or leave it out." $name $limit) -}}
{{- end -}}
{{- end -}}
{{- $missing := list -}}
{{- range list "cpu" "memory" -}}
{{- if not (index $limits .) -}}{{- $missing = append $missing . -}}{{- end -}}
{{- end -}}
{{- if eq (len $missing) 2 -}}
{{- fail "charts/paddle-serving: `resources.limits` is missing. Give cpu and memory limits, for example --set resources.limits.cpu=2 --set resources.limits.memory=2Gi" -}}
{{- else if $missing -}}
{{- fail (printf "charts/paddle-serving: `resources.limits.%s` is missing. Give cpu and memory limits, for example --set resources.limits.%s=%s" (first $missing) (first $missing) (ternary "2" "2Gi" (eq (first $missing) "cpu"))) -}}
{{- end -}}
{{- include "paddle-serving.validateRequests" (dict "path" "resources" "resources" .Values.resources) -}}
{{- end -}}

{{- define "paddle-serving.validateModel" -}}
{{- $digest := .Values.model.digest -}}
{{- if not $digest -}}
{{- fail "charts/paddle-serving: `model.digest` is missing. What is served must be what was reviewed: run `paddle-serving-runtime digest DIR` on the package and --set model.digest=sha256:..." -}}
{{- else if not (regexMatch "^sha256:[0-9a-f]{64}$" $digest) -}}
{{- fail (printf "charts/paddle-serving: `model.digest` is %q. A digest is sha256: and 64 hexadecimal digits, as `paddle-serving-runtime digest DIR` prints it." $digest) -}}
{{- end -}}
{{- $source := include "paddle-serving.source" .Values.model.source | fromYaml -}}
{{- $sources := keys $source | sortAlpha -}}
{{- if not $sources -}}
{{- fail "charts/paddle-serving: `model.source` is missing. Say where the package is, for example --set model.source.pvc.claimName=models (or model.source.http.url, model.source.s3.uri, model.source.gcs.uri, model.source.oss.uri, model.source.image.reference, model.source.configMap.name)." -}}
{{- else if gt (len $sources) 1 -}}
{{- fail (printf "charts/paddle-serving: `model.source` names %s. A package comes from one place; remove the others." (join " and " $sources)) -}}
{{- else if and (has "oss" $sources) (not (dig "oss" "region" "" $source)) -}}
{{- fail "charts/paddle-serving: `model.source.oss.region` is missing, and OSS does not say in which region a bucket is. Give it, for example --set model.source.oss.region=cn-hangzhou" -}}
{{- end -}}
{{- $defaults := (.Files.Get "files/defaults.yaml" | fromYaml).model.source -}}
{{- range $kind, $fields := omit .Values.model.source (first $sources) -}}
{{- range $key, $value := $fields -}}
{{- if and $value (ne $value (index $defaults $kind $key)) -}}
{{- fail (printf "charts/paddle-serving: `model.source.%s.%s` has no effect, because the package comes from `model.source.%s`. Remove it." $kind $key (first $sources)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Given `model.source`. */}}
{{- define "paddle-serving.validateSource" -}}
{{- range $path, $value := dict "pvc.path" .pvc.path "image.path" .image.path "s3.uri" .s3.uri "gcs.uri" .gcs.uri "oss.uri" .oss.uri -}}
{{- if has ".." (splitList "/" ($value | default "")) -}}
{{- fail (printf "charts/paddle-serving: `model.source.%s` is %s, and leads out by `..`. Give the folder itself." $path $value) -}}
{{- end -}}
{{- end -}}
{{- if or (regexMatch "^https?://[^/]*@" .http.url) (contains "@" (printf "%s%s%s" .s3.endpoint .gcs.endpoint .oss.endpoint)) -}}
{{- fail "charts/paddle-serving: `model.source` has a user or password in an address, which everybody reads who may read the PaddleService. Use `credentialsSecret`." -}}
{{- end -}}
{{- if and .http.credentialsSecret (hasPrefix "http://" .http.url) -}}
{{- fail "charts/paddle-serving: `model.source.http.credentialsSecret` would go over the network in plain text. Give an https:// address, or remove it." -}}
{{- end -}}
{{- if and .gcs.credentialsSecret (hasPrefix "http://" .gcs.endpoint) -}}
{{- fail "charts/paddle-serving: `model.source.gcs.credentialsSecret` would go over the network in plain text. Give an https:// endpoint, or remove it." -}}
{{- end -}}
{{- range $kind, $store := dict "s3" .s3 "oss" .oss -}}
{{- if and $store.uri $store.caConfigMap (not (hasPrefix "https://" $store.endpoint)) -}}
{{- fail (printf "charts/paddle-serving: `model.source.%s.caConfigMap` has no effect without a `model.source.%s.endpoint` that begins with https://. Remove it, or correct the endpoint." $kind $kind) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "paddle-serving.validateEngine" -}}
{{- $default := (.Files.Get "files/defaults.yaml" | fromYaml).engine.batching -}}
{{- with .Values.engine -}}
{{- if eq .mode "pipeline" -}}
{{- if ne .backend "Default" -}}
{{- fail (printf "charts/paddle-serving: `engine.backend` is %s, which needs mode direct: Paddle Serving's own server loads models itself. Remove it, or --set engine.mode=direct" .backend) -}}
{{- end -}}
{{- if .warmup.shapes -}}
{{- fail "charts/paddle-serving: `engine.warmup.shapes` need mode direct: Paddle Serving's own server loads models itself. Remove them, or --set engine.mode=direct" -}}
{{- end -}}
{{- if or (ne (int .batching.maxRows) (int $default.maxRows)) (ne (int .batching.waitMilliseconds) (int $default.waitMilliseconds)) -}}
{{- fail "charts/paddle-serving: `engine.batching` needs mode direct: Paddle Serving's own server has `batch_size` in config.yml. Remove it, or --set engine.mode=direct" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "paddle-serving.validateConsistency" -}}
{{- /* `--set` makes text of 0.1 */ -}}
{{- $tolerance := or (float64 .Values.consistency.rtol) (float64 .Values.consistency.atol) -}}
{{- if and $tolerance (ne .Values.consistency.mode "Tolerance") -}}
{{- fail (printf "charts/paddle-serving: `consistency.rtol` and `consistency.atol` have no effect in mode %s. Remove them, or --set consistency.mode=Tolerance" .Values.consistency.mode) -}}
{{- else if and (not $tolerance) (eq .Values.consistency.mode "Tolerance") -}}
{{- fail "charts/paddle-serving: `consistency.mode` is Tolerance, but `consistency.rtol` and `consistency.atol` are both 0. Give one, for example --set consistency.rtol=1e-5, or use mode Exact." -}}
{{- end -}}
{{- if regexMatch "^(0+h)?(0+m)?(0*[0-9]s)?$" (.Values.consistency.recheckInterval | default "1h") -}}
{{- fail (printf "charts/paddle-serving: `consistency.recheckInterval` is %s. Give 10s or more, or leave it empty." .Values.consistency.recheckInterval) -}}
{{- end -}}
{{- end -}}

{{- define "paddle-serving.validateSurge" -}}
{{- $default := (.Files.Get "files/defaults.yaml" | fromYaml).rollout -}}
{{- $rollout := .Values.rollout -}}
{{- range $name := list "maxSurge" "maxUnavailable" -}}
{{- if and (ne $rollout.strategy "Canary") (ne (toString (index $rollout $name)) (toString (index $default $name))) -}}
{{- fail (printf "charts/paddle-serving: `rollout.%s` is about the pods of strategy Canary, and `rollout.strategy` is %s. Remove it, or --set rollout.strategy=Canary" $name $rollout.strategy) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Given `rollout`. */}}
{{- define "paddle-serving.validateSteps" -}}
{{- if and .steps (ne .strategy "Canary") -}}
{{- fail (printf "charts/paddle-serving: `rollout.steps` belong to strategy Canary, and `rollout.strategy` is %s. Remove the steps, or --set rollout.strategy=Canary" .strategy) -}}
{{- else if and (eq .strategy "Canary") (not .steps) -}}
{{- fail "charts/paddle-serving: `rollout.strategy` is Canary, but `rollout.steps` is empty. Give at least one, for example --set-json 'rollout.steps=[{\"weight\": 20, \"pause\": \"60s\"}]'" -}}
{{- end -}}
{{- $before := 0 -}}
{{- range .steps -}}
{{- if le (int .weight) $before -}}
{{- fail (printf "charts/paddle-serving: `rollout.steps` has the weight %d after %d. A step gives more than the one before it." (int .weight) $before) -}}
{{- end -}}
{{- $before = int .weight -}}
{{- end -}}
{{- end -}}

{{/* Given `rollout`. */}}
{{- define "paddle-serving.validateDrift" -}}
{{- if and (eq .strategy "Recreate") (eq (toString .drift.mode) "Require") -}}
{{- fail "charts/paddle-serving: `rollout.drift.mode` is Require, but `rollout.strategy` Recreate ends the pods that would be compared with. Change one of the two." -}}
{{- end -}}
{{- if and (eq .drift.samples "Replay") (or (eq .strategy "Recreate") (has (.drift.mode | default "Ignore") (list "Ignore" "Off"))) -}}
{{- fail (printf "charts/paddle-serving: `rollout.drift.samples` is Replay, which keeps what users ask in the memory of pods, and with strategy %s and `rollout.drift.mode` %s nothing would be compared with it. --set rollout.drift.samples=Golden, or change the other two." .strategy (.drift.mode | default "Ignore")) -}}
{{- end -}}
{{- end -}}

{{- define "paddle-serving.validateAnalysis" -}}
{{- $analysis := .Values.rollout.analysis -}}
{{- if include "paddle-serving.bounds" $analysis | fromYamlArray -}}
{{- if ne .Values.rollout.strategy "Canary" -}}
{{- fail (printf "charts/paddle-serving: `rollout.analysis` looks at the steps of strategy Canary, and `rollout.strategy` is %s. Remove the analysis, or change the strategy." .Values.rollout.strategy) -}}
{{- end -}}
{{- else -}}
{{- $default := (.Files.Get "files/defaults.yaml" | fromYaml).rollout.analysis -}}
{{- if or (ne (int $analysis.minRequests) (int $default.minRequests)) (ne $analysis.interval $default.interval) -}}
{{- fail "charts/paddle-serving: `rollout.analysis` looks at nothing. Give `rollout.analysis.maxErrorRatio`, `rollout.analysis.maxLatencyRatio` or both, or remove it." -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Given `traffic`. */}}
{{- define "paddle-serving.validateTraffic" -}}
{{- if and (eq .mode "Gateway") (not .parentRefs) -}}
{{- fail "charts/paddle-serving: `traffic.mode` is Gateway, but `traffic.parentRefs` is empty. Name the Gateway, for example --set traffic.parentRefs[0].name=public" -}}
{{- end -}}
{{- range $name := list "parentRefs" "hostnames" -}}
{{- if and (index $ $name) (ne $.mode "Gateway") -}}
{{- fail (printf "charts/paddle-serving: `traffic.%s` belong to mode Gateway, and `traffic.mode` is %s. Remove them, or --set traffic.mode=Gateway" $name $.mode) -}}
{{- end -}}
{{- end -}}
{{- include "paddle-serving.validateParents" (dict "path" "traffic.parentRefs" "parents" .parentRefs) -}}
{{- end -}}

{{- define "paddle-serving.validateAutoscaling" -}}
{{- $autoscaling := .Values.autoscaling -}}
{{- if not $autoscaling.maxReplicas -}}
{{- $default := (.Files.Get "files/defaults.yaml" | fromYaml).autoscaling -}}
{{- range $name := list "minReplicas" "cpuUtilization" -}}
{{- if ne (int (index $autoscaling $name)) (int (index $default $name)) -}}
{{- fail (printf "charts/paddle-serving: `autoscaling.%s` has no effect without `autoscaling.maxReplicas`. Give that too, or remove it." $name) -}}
{{- end -}}
{{- end -}}
{{- if not (kindIs "invalid" $autoscaling.queueSeconds) -}}
{{- fail "charts/paddle-serving: `autoscaling.queueSeconds` has no effect without `autoscaling.maxReplicas`. Give that too, or remove it." -}}
{{- end -}}
{{- else if and (not (kindIs "invalid" $autoscaling.queueSeconds)) (ne (int $autoscaling.cpuUtilization) (int (.Files.Get "files/defaults.yaml" | fromYaml).autoscaling.cpuUtilization)) -}}
{{- fail "charts/paddle-serving: `autoscaling.cpuUtilization` and `autoscaling.queueSeconds` are both given, and an autoscaler has one goal. Remove one." -}}
{{- else if gt (int $autoscaling.minReplicas) (int $autoscaling.maxReplicas) -}}
{{- fail (printf "charts/paddle-serving: `autoscaling.minReplicas` is %d, more than `autoscaling.maxReplicas`, which is %d." (int $autoscaling.minReplicas) (int $autoscaling.maxReplicas)) -}}
{{- else if not (or (kindIs "invalid" .Values.replicas) (eq (toString .Values.replicas) "1")) -}}
{{- fail (printf "charts/paddle-serving: `replicas` is %v, but with `autoscaling` the autoscaler sets the number of pods. Remove `replicas`, and give `autoscaling.minReplicas` instead." .Values.replicas) -}}
{{- end -}}
{{- end -}}

{{- define "paddle-serving.validateKeda" -}}
{{- $keda := .Values.keda -}}
{{- if $keda.enabled -}}
{{- if .Values.autoscaling.maxReplicas -}}
{{- fail "charts/paddle-serving: `keda.enabled` is true and `autoscaling.maxReplicas` is given, and two autoscalers would undo each other. Remove `autoscaling`, or --set keda.enabled=false" -}}
{{- end -}}
{{- if not (or (kindIs "invalid" .Values.replicas) (eq (toString .Values.replicas) "1")) -}}
{{- fail (printf "charts/paddle-serving: `replicas` is %v, but with `keda` the autoscaler sets the number of pods. Remove `replicas`, and give `keda.minReplicas` instead." .Values.replicas) -}}
{{- end -}}
{{- if not (or $keda.triggers $keda.prometheus.serverAddress) -}}
{{- fail "charts/paddle-serving: `keda.enabled` is true, but there is nothing to scale by. Name Prometheus, for example --set keda.prometheus.serverAddress=http://prometheus.monitoring.svc:9090, or give `keda.triggers`." -}}
{{- end -}}
{{- if and (eq (int $keda.minReplicas) 0) (not $keda.triggers) -}}
{{- fail "charts/paddle-serving: `keda.minReplicas` is 0, but without pods no request waits, so that the queue never starts one. Give `keda.triggers`, for example one of type cron, or --set keda.minReplicas=1" -}}
{{- end -}}
{{- if gt (int $keda.minReplicas) (int $keda.maxReplicas) -}}
{{- fail (printf "charts/paddle-serving: `keda.minReplicas` is %d, more than `keda.maxReplicas`, which is %d." (int $keda.minReplicas) (int $keda.maxReplicas)) -}}
{{- end -}}
{{- include "paddle-serving.requireKind" (dict "root" . "value" "keda.enabled" "version" "keda.sh/v1alpha1" "kind" "ScaledObject" "cure" "Install KEDA first") -}}
{{- end -}}
{{- end -}}

{{- define "paddle-serving.validateExposure" -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{- fail "charts/paddle-serving: `ingress.enabled` is true, but `ingress.hosts` is empty. Name the host, for example --set ingress.hosts[0].host=ocr.example.com" -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (eq .Values.traffic.mode "Gateway") -}}
{{- fail "charts/paddle-serving: `httpRoute.enabled` is true, but with `traffic.mode` Gateway the operator makes an HTTPRoute from `traffic.parentRefs` and `traffic.hostnames`. Remove `httpRoute`, or --set traffic.mode=ReplicaRatio" -}}
{{- end -}}
{{- range $of, $kind := dict "httpRoute" "HTTPRoute" "grpcRoute" "GRPCRoute" -}}
{{- with index $.Values $of -}}
{{- if .enabled -}}
{{- if not .parentRefs -}}
{{- fail (printf "charts/paddle-serving: `%s.enabled` is true, but `%s.parentRefs` is empty. Name the Gateway, for example --set %s.parentRefs[0].name=public" $of $of $of) -}}
{{- end -}}
{{- include "paddle-serving.validateParents" (dict "path" (printf "%s.parentRefs" $of) "parents" .parentRefs) -}}
{{- include "paddle-serving.requireKind" (dict "root" $ "value" (printf "%s.enabled" $of) "version" "gateway.networking.k8s.io/v1" "kind" $kind "cure" "Install the Gateway API and a Gateway first") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A Gateway is named once, or each time with a listener of its own. Given (dict "path" <path> "parents" <list>). */}}
{{- define "paddle-serving.validateParents" -}}
{{- $path := .path -}}
{{- $parents := .parents -}}
{{- range $index, $one := $parents -}}
{{- range $other := slice $parents 0 $index -}}
{{- if and (eq $one.name $other.name) (eq ($one.namespace | default "") ($other.namespace | default "")) -}}
{{- if not (and $one.sectionName $other.sectionName (ne $one.sectionName $other.sectionName)) -}}
{{- fail (printf "charts/paddle-serving: `%s` names Gateway %s twice. Remove one, or give each a sectionName of its own." $path $one.name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Given `ingress`. */}}
{{- define "paddle-serving.validateIngress" -}}
{{- if .enabled -}}
{{- $hosts := list -}}
{{- range .hosts -}}{{- with .host -}}{{- $hosts = append $hosts . -}}{{- end -}}{{- end -}}
{{- range .tls -}}{{- $hosts = concat $hosts (.hosts | default list) -}}{{- end -}}
{{- range $hosts -}}
{{- if regexMatch "^[0-9.]+$" . -}}
{{- fail (printf "charts/paddle-serving: `ingress` names %s, and an Ingress takes names of hosts, no addresses. Give a name, or leave the host out for all of them." .) -}}
{{- end -}}
{{- end -}}
{{- range .hosts -}}
{{- $path := .path | default "/" -}}
{{- if and (ne (.pathType | default "Prefix") "ImplementationSpecific") (regexMatch "//|/\\.\\.?(/|$)|%2[fF]" $path) -}}
{{- fail (printf "charts/paddle-serving: `ingress.hosts` has the path %s, and a path of type %s has no //, /./, /../ or %%2F in it. Give the path itself." $path (.pathType | default "Prefix")) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Given `networkPolicy`. Who names peers believes that others are kept out. */}}
{{- define "paddle-serving.validateNetworkPolicy" -}}
{{- range $name := list "from" "metricsFrom" "operatorNamespace" -}}
{{- if and (index $ $name) (not $.enabled) -}}
{{- fail (printf "charts/paddle-serving: `networkPolicy.%s` is given, but `networkPolicy.enabled` is false, so that nobody is kept out. --set networkPolicy.enabled=true, or remove it." $name) -}}
{{- end -}}
{{- end -}}
{{- range $name := list "from" "metricsFrom" -}}
{{- include "paddle-serving.validatePeers" (dict "path" (printf "networkPolicy.%s" $name) "peers" (index $ $name)) -}}
{{- end -}}
{{- end -}}

{{/* Given `disruption`. */}}
{{- define "paddle-serving.validateDisruption" -}}
{{- if and (not .enabled) (ne (toString .maxUnavailable) "1") -}}
{{- fail (printf "charts/paddle-serving: `disruption.maxUnavailable` is %v, which has no effect while `disruption.enabled` is false. Remove it, or --set disruption.enabled=true" .maxUnavailable) -}}
{{- end -}}
{{- end -}}

{{/* Given `pod`. */}}
{{- define "paddle-serving.validatePod" -}}
{{- include "paddle-serving.validateTolerations" (dict "path" "pod.tolerations" "tolerations" .tolerations) -}}
{{- include "paddle-serving.validateExpressions" (dict "path" "pod.affinity" "node" .affinity) -}}
{{- include "paddle-serving.validateEnv" (dict "path" "pod.env" "env" .env) -}}
{{- $spread := list -}}
{{- range .topologySpreadConstraints -}}
{{- $one := printf "%s and %s" .topologyKey .whenUnsatisfiable -}}
{{- if has $one $spread -}}
{{- fail (printf "charts/paddle-serving: `pod.topologySpreadConstraints` has %s twice. Keep one." $one) -}}
{{- end -}}
{{- if and .minDomains (ne .whenUnsatisfiable "DoNotSchedule") -}}
{{- fail (printf "charts/paddle-serving: `pod.topologySpreadConstraints` has minDomains with %s, and they belong to DoNotSchedule. Remove them, or change whenUnsatisfiable." .whenUnsatisfiable) -}}
{{- end -}}
{{- $spread = append $spread $one -}}
{{- end -}}
{{- end -}}

{{/*
Refuses a value that needs a kind which the cluster lacks. Only an API server tells of kinds; without one, as in `helm template`,
Helm knows no more than versions. Given (dict "root" $ "value" <path> "version" <apiVersion> "kind" <kind> "cure" <what to do>).
*/}}
{{- define "paddle-serving.requireKind" -}}
{{- $known := .root.Capabilities.APIVersions -}}
{{- if and ($known.Has "v1/Pod") (not ($known.Has (printf "%s/%s" .version .kind))) -}}
{{- fail (printf "charts/paddle-serving: `%s` is true, but this cluster has no %s (%s). %s, or --set %s=false" .value .kind .version .cure .value) -}}
{{- end -}}
{{- end -}}

{{- define "paddle-serving.validateAccount" -}}
{{- with .Values.pod -}}
{{- with .serviceAccount -}}
{{- if and .name .annotations -}}
{{- fail (printf "charts/paddle-serving: `pod.serviceAccount` has a name and annotations. Annotations are for the account that the operator makes; write those of %s yourself, or remove the name." .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "paddle-serving.validateTest" -}}
{{- include "paddle-serving.validateRequests" (dict "path" "test.resources" "resources" .Values.test.resources) -}}
{{- $request := .Values.test.request -}}
{{- if and (kindIs "string" $request) $request -}}
{{- $parsed := fromJson $request -}}
{{- if hasKey $parsed "Error" -}}
{{- fail (printf "charts/paddle-serving: `test.request` is not a JSON object: %s. Give the body of a request, for example --set-file test.request=golden/hello.json" (index $parsed "Error")) -}}
{{- end -}}
{{- end -}}
{{- if gt (len (include "paddle-serving.testRequest" .)) 900000 -}}
{{- fail "charts/paddle-serving: `test.request` is longer than 900,000 characters, more than a ConfigMap holds. Choose a smaller sample." -}}
{{- end -}}
{{- if and .Values.test.expect (not $request) -}}
{{- fail "charts/paddle-serving: `test.expect` says what to expect, but `test.request` is empty. Give the request, for example --set-file test.request=golden/hello.json" -}}
{{- end -}}
{{- end -}}

{{/* Body of the test's request, JSON text. */}}
{{- define "paddle-serving.testRequest" -}}
{{- if kindIs "string" .Values.test.request -}}{{- .Values.test.request | trim -}}{{- else -}}{{- toJson .Values.test.request -}}{{- end -}}
{{- end -}}
