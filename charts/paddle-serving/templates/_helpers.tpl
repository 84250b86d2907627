{{/* Name of the PaddleService and of its Service. */}}
{{- define "paddle-serving.name" -}}
{{- .Values.fullnameOverride | default .Release.Name -}}
{{- end -}}

{{/* The model's part of the URL. */}}
{{- define "paddle-serving.modelName" -}}
{{- .Values.model.name | default (include "paddle-serving.name" .) -}}
{{- end -}}

{{/* Labels of the PaddleService. */}}
{{- define "paddle-serving.labels" -}}
app.kubernetes.io/name: paddle-serving
{{ include "paddle-serving.commonLabels" . }}
{{- end -}}

{{/* Labels of the `helm test` objects: another name, so that no selector for serving pods finds the test's pod. */}}
{{- define "paddle-serving.testLabels" -}}
app.kubernetes.io/name: paddle-serving-test
{{ include "paddle-serving.commonLabels" . }}
{{- end -}}

{{- define "paddle-serving.commonLabels" -}}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: paddle-serving
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Image of the pod of `helm test`: digest, tag, the image of the release, the chart's appVersion, in this order. */}}
{{- define "paddle-serving.testImage" -}}
{{- $image := .Values.test.image -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else if $image.tag -}}
{{- printf "%s:%s" $image.repository $image.tag -}}
{{- else -}}
{{- .Values.image | default (printf "%s:%s" $image.repository .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/*
Quantities that are given, as text: `--set` makes numbers of them, and a values file makes 1e+09 of a large one.
Given a map of quantities; YAML text, `{}` where none is given.
*/}}
{{- define "paddle-serving.quantities" -}}
{{- $texts := dict -}}
{{- range $name, $quantity := . -}}
{{- if $quantity -}}
{{- $whole := and (kindIs "float64" $quantity) (eq (floor $quantity) $quantity) -}}
{{- $_ := set $texts $name (ternary (printf "%.0f" (float64 $quantity)) (toString $quantity) $whole) -}}
{{- end -}}
{{- end -}}
{{- toYaml $texts -}}
{{- end -}}

{{/* The source that is given, as in a PaddleService: a map with one key. YAML text. Given `model.source`. */}}
{{- define "paddle-serving.source" -}}
{{- $given := dict -}}
{{- range $kind, $field := dict "pvc" "claimName" "http" "url" "s3" "uri" "gcs" "uri" "oss" "uri" "image" "reference" "configMap" "name" -}}
{{- with index $ $kind -}}
{{- if index . $field -}}{{- $_ := set $given $kind (ternary (include "paddle-serving.notEmpty" . | fromYaml) . (has $kind (list "http" "s3" "gcs" "oss"))) -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $given -}}
{{- end -}}

{{/* The texts that are given: an empty one means absent where the custom resource has no default. YAML text. */}}
{{- define "paddle-serving.notEmpty" -}}
{{- $given := dict -}}
{{- range $name, $value := . -}}{{- if $value -}}{{- $_ := set $given $name $value -}}{{- end -}}{{- end -}}
{{- toYaml $given -}}
{{- end -}}

{{/* Annotations of what `helm test` makes, given its weight. */}}
{{- define "paddle-serving.testHook" -}}
helm.sh/hook: test
helm.sh/hook-weight: {{ . | quote }}
# Kept until the next run, so that its log can be read.
helm.sh/hook-delete-policy: before-hook-creation
{{- end -}}

{{/*
The text of a value for config.yml: what was given, numbers in full (Helm itself makes 1e+06 of a million).
Given (dict "key" <key of config.yml> "value" <text, number or bool>).
*/}}
{{- define "paddle-serving.text" -}}
{{- if kindIs "string" .value -}}
{{- .value -}}
{{- else if and (kindIs "float64" .value) (or (gt .value 9007199254740991.0) (lt .value -9007199254740991.0)) -}}
{{- fail (printf "charts/paddle-serving: `engine.overrides` has %s for %s, and Helm keeps numbers of this size only as text. Put it in quotes, or use --set-string." (toJson .value) .key) -}}
{{- else -}}
{{- toJson .value -}}
{{- end -}}
{{- end -}}

{{/*
`spec.rollout`, given the values of the same name: lists and bounds that are not given are left out. `Off` without quotes is false
in YAML, and means Ignore. YAML text.
*/}}
{{- define "paddle-serving.rollout" -}}
{{- $rollout := omit . "steps" "analysis" "drift" -}}
{{- with .steps -}}{{- $_ := set $rollout "steps" . -}}{{- end -}}
{{- $analysis := dict "minRequests" (int .analysis.minRequests) "interval" .analysis.interval -}}
{{- range $bound := include "paddle-serving.bounds" .analysis | fromYamlArray -}}
{{- $_ := set $analysis $bound (index $.analysis $bound | float64) -}}
{{- $_ := set $rollout "analysis" $analysis -}}
{{- end -}}
{{- $drift := dict "mode" (.drift.mode | default "Ignore") "rtol" (float64 .drift.rtol) "atol" (float64 .drift.atol) -}}
{{- $_ := set $rollout "drift" (merge $drift (omit .drift "mode" "rtol" "atol")) -}}
{{- toYaml $rollout -}}
{{- end -}}

{{/* The bounds of `rollout.analysis` that are given; 0 is one. YAML text. */}}
{{- define "paddle-serving.bounds" -}}
{{- $given := list -}}
{{- range $name := list "maxErrorRatio" "maxLatencyRatio" -}}
{{- if not (kindIs "invalid" (index $ $name)) -}}{{- $given = append $given $name -}}{{- end -}}
{{- end -}}
{{- toYaml $given -}}
{{- end -}}

{{/* The number of pods that the values ask for; empty where they leave it to others. */}}
{{- define "paddle-serving.replicasAsked" -}}
{{- if not (or .Values.keda.enabled .Values.autoscaling.maxReplicas (kindIs "invalid" .Values.replicas)) -}}{{- .Values.replicas | int -}}{{- end -}}
{{- end -}}

{{/* Annotation with the number of pods that the values ask for, by which an upgrade sees whether they ask for another one. YAML text. */}}
{{- define "paddle-serving.replicasAnnotation" -}}
{{- with include "paddle-serving.replicasAsked" . -}}
serving.paddlepaddle.org/replicas-of-values: {{ . | quote }}
{{- else -}}
{}
{{- end -}}
{{- end -}}

{{/*
The number of pods, empty where the chart leaves the field out. An upgrade that asks for no other number than the one before
repeats what is in the cluster: whoever has scaled meanwhile keeps it, a number that was removed from the values does not become
the default, and Helm 4 finds no conflict. Given (dict "asked" <number as text, or empty> "live" <the PaddleService in the
cluster, or an empty map>).
*/}}
{{- define "paddle-serving.replicas" -}}
{{- $spec := .live.spec | default dict -}}
{{- $before := dig "metadata" "annotations" "serving.paddlepaddle.org/replicas-of-values" "" .live -}}
{{- if and (or (not .asked) (eq $before .asked)) (hasKey $spec "replicas") -}}
{{- $spec.replicas | int -}}
{{- else -}}
{{- .asked -}}
{{- end -}}
{{- end -}}
