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
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: paddle-serving
app.kubernetes.io/managed-by: {{ .Release.Service }}
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
{{- range $kind, $field := dict "pvc" "claimName" "http" "url" "s3" "uri" "image" "reference" "configMap" "name" -}}
{{- with index $ $kind -}}
{{- if index . $field -}}{{- $_ := set $given $kind (ternary (include "paddle-serving.notEmpty" . | fromYaml) . (eq $kind "s3")) -}}{{- end -}}
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
