{{/* Refuses values with a sentence that says what to do, where the schema could only point at a pattern. Renders nothing. */}}
{{- define "paddle-serving.validate" -}}
{{- include "paddle-serving.validateName" . -}}
{{- include "paddle-serving.validateLimits" . -}}
{{- include "paddle-serving.validateModel" . -}}
{{- include "paddle-serving.validateConsistency" . -}}
{{- include "paddle-serving.validateSteps" .Values.rollout -}}
{{- include "paddle-serving.validateDrift" .Values.rollout -}}
{{- include "paddle-serving.validateAnalysis" . -}}
{{- include "paddle-serving.validateTraffic" .Values.traffic -}}
{{- include "paddle-serving.validateAutoscaling" . -}}
{{- include "paddle-serving.validateAccount" . -}}
{{- include "paddle-serving.validateTest" . -}}
{{- end -}}

{{- define "paddle-serving.validateName" -}}
{{- $name := include "paddle-serving.name" . -}}
{{- if or (not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name)) (gt (len $name) 52) (regexMatch "-(stable|canary)$" $name) -}}
{{- fail (printf "charts/paddle-serving: %q cannot be the name of a PaddleService, because it becomes the name of a Service. Use lower-case letters, digits and '-', a letter first, at most 52 characters, not ending with -stable or -canary: choose another release name or --set fullnameOverride=ocr" $name) -}}
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
{{- end -}}

{{- define "paddle-serving.validateModel" -}}
{{- $digest := .Values.model.digest -}}
{{- if not $digest -}}
{{- fail "charts/paddle-serving: `model.digest` is missing. What is served must be what was reviewed: run `paddle-serving-runtime digest DIR` on the package and --set model.digest=sha256:..." -}}
{{- else if not (regexMatch "^sha256:[0-9a-f]{64}$" $digest) -}}
{{- fail (printf "charts/paddle-serving: `model.digest` is %q. A digest is sha256: and 64 hexadecimal digits, as `paddle-serving-runtime digest DIR` prints it." $digest) -}}
{{- end -}}
{{- $sources := keys (include "paddle-serving.source" .Values.model.source | fromYaml) | sortAlpha -}}
{{- if not $sources -}}
{{- fail "charts/paddle-serving: `model.source` is missing. Say where the package is, for example --set model.source.pvc.claimName=models (or model.source.http.url, model.source.s3.uri, model.source.image.reference, model.source.configMap.name)." -}}
{{- else if gt (len $sources) 1 -}}
{{- fail (printf "charts/paddle-serving: `model.source` names %s. A package comes from one place; remove the others." (join " and " $sources)) -}}
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
